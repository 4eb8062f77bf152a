/** The verbs of kubectl that change and inspect a workload, on managed1 through the hub. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { tryCommand, waitFor } from "#bed";
import { startKubectl } from "./support/background.ts";
import { grantAllOnManaged, revokeAllOnManaged } from "./support/grant.ts";
import {
  gatewayKubeconfig,
  type KubectlOptions,
  kubectl,
  managedKubeconfig,
  tryKubectl,
  writeGatewayKubeconfig,
} from "./support/hub.ts";
import { findKubectl, kubectlVersions } from "./support/kubectls.ts";

const namespace = "e2e-verbs";

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: ${namespace}, labels: { app: web } }
spec:
  replicas: 1
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: main
        image: bed.local/workload:1
        imagePullPolicy: Never
        command: [sh, -c, "mkdir -p /tmp/www && echo hello >/tmp/www/index.html && exec httpd -f -p 8080 -h /tmp/www"]
`;

for (const version of kubectlVersions) {
  describe(`the verbs of kubectl ${version} on a workload of managed1`, () => {
    let scratch = "";
    let program = "";

    /** kubectl in the test's namespace, through the gateway. */
    function run(line: string, options: KubectlOptions = {}): Promise<string> {
      const args = ["-n", namespace, ...line.split(" ")];
      return kubectl(args, { kubeconfig: gatewayKubeconfig, program, ...options });
    }

    function attempt(line: string, options: KubectlOptions = {}) {
      const args = ["-n", namespace, ...line.split(" ")];
      return tryKubectl(args, { kubeconfig: gatewayKubeconfig, program, ...options });
    }

    async function nodeName(): Promise<string> {
      return run("get nodes -o jsonpath={.items[0].metadata.name}");
    }

    before(async () => {
      program = await findKubectl(version);
      scratch = await mkdtemp(join(tmpdir(), "spokeway-e2e-"));
      await writeGatewayKubeconfig();
      await grantAllOnManaged();
      const options = { kubeconfig: managedKubeconfig };
      await kubectl(["delete", "ns", namespace, "--ignore-not-found"], options);
      await run(`create ns ${namespace}`);
    });

    after(async () => {
      const options = { kubeconfig: managedKubeconfig };
      await kubectl(["delete", "ns", namespace, "--ignore-not-found", "--wait=false"], options);
      await revokeAllOnManaged();
      await rm(scratch, { recursive: true, force: true });
    });

    it("diffs, applies on the server, and owns what it applied", async () => {
      const before = await attempt("diff -f -", { input: deployment });
      assert.equal(before.code, 1);
      assert.match(before.stdout, /\+kind: Deployment/);
      await run("apply --server-side --field-manager=e2e -f -", { input: deployment });
      // The controller writes to it as well, and a write between the two looks of a diff is a difference.
      await waitFor("no difference", async () => {
        const diff = "diff --server-side --field-manager=e2e -f -";
        return (await attempt(diff, { input: deployment })).code === 0;
      });
      const conflict = await attempt("apply --server-side --field-manager=other -f -", {
        input: deployment.replace("replicas: 1", "replicas: 2"),
      });
      assert.match(conflict.stderr, /conflict with "e2e"/);
      await run("rollout status deployment/web --timeout=120s");
    });

    it("scales, rolls, undoes and shows the history", async () => {
      await run("scale deployment/web --replicas=2");
      await run("wait --for=jsonpath={.status.readyReplicas}=2 deployment/web --timeout=90s");
      await run("set env deployment/web STEP=two");
      await run("rollout status deployment/web --timeout=120s");
      await run("rollout restart deployment/web");
      await run("rollout status deployment/web --timeout=120s");
      assert.match(await run("rollout history deployment/web"), /^3\s/m);
      await run("rollout undo deployment/web --to-revision=1");
      await run("rollout status deployment/web --timeout=120s");
      assert.equal(
        await run("set env deployment/web --list"),
        `# Deployment web, container main\n`,
      );
      await run("scale deployment/web --replicas=1");
    });

    it("edits with an editor", async () => {
      const editor = join(scratch, "editor.sh");
      await writeFile(editor, '#!/bin/sh\nsed -i "s/^  replicas: .*/  replicas: 3/" "$1"\n', {
        mode: 0o755,
      });
      assert.match(await run("edit deployment/web", { env: { KUBE_EDITOR: editor } }), /edited/);
      assert.equal(await run("get deployment/web -o jsonpath={.spec.replicas}"), "3");
      await run("scale deployment/web --replicas=1");
    });

    it("patches in each of the three ways", async () => {
      const ways = {
        strategic: '{"metadata":{"labels":{"way":"strategic"}}}',
        merge: '{"metadata":{"labels":{"way":"merge"}}}',
        json: '[{"op":"replace","path":"/metadata/labels/way","value":"json"}]',
      };
      for (const [type, patch] of Object.entries(ways)) {
        await run(`patch deployment/web --type=${type} -p ${patch}`);
        assert.equal(await run("get deployment/web -o jsonpath={.metadata.labels.way}"), type);
      }
    });

    it("lists in chunks, with selectors and sorted", async () => {
      const names = Array.from(
        { length: 23 },
        (_, index) => `chunk-${String(index).padStart(2, "0")}`,
      );
      const items = names.map((name) => ({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name, labels: { chunk: "yes" } },
      }));
      await run("create -f -", {
        input: JSON.stringify({ apiVersion: "v1", kind: "List", items }),
      });
      const listed = await run(
        "get cm -l chunk=yes --chunk-size=5 --sort-by=.metadata.name -o name",
      );
      assert.deepEqual(
        listed.trim().split("\n"),
        names.map((name) => `configmap/${name}`),
      );
      assert.match(await run("get cm --field-selector=metadata.name=chunk-07"), /^chunk-07 /m);
      assert.match(await run("delete cm -l chunk=yes"), /chunk-22" deleted/);
    });

    it("gives the exit code of what it executed, and a terminal with its size", async () => {
      const args = ["-n", namespace, "exec", "deployment/web", "--", "sh", "-c", "exit 7"];
      const options = { kubeconfig: gatewayKubeconfig, program };
      const { code, stderr } = await tryKubectl(args, options);
      assert.equal(code, 7);
      assert.match(stderr, /exit code 7/);
      // Each size comes after the start, as a message of its own: the second once the first is there.
      const until = (size: string) => `until stty size | grep '${size}'; do sleep 0.2; done`;
      // In brackets, since the file also has the command itself, and maybe a NUL before the first line.
      const inside = `${until("41 13[7]")}; ${until("50 9[9]")}`;
      const exec = `${program} -n ${namespace} exec -it deployment/web -- sh -c "${inside}"`;
      const resize = `until grep -aq '41 13[7]' ${join(scratch, "typescript")}; do sleep 0.2; done; stty rows 50 cols 99`;
      const terminal = await tryCommand(
        [
          "script",
          "--flush",
          "-qec",
          `stty rows 41 cols 137; (${resize}) </dev/tty & ${exec}`,
          join(scratch, "typescript"),
        ],
        { env: { KUBECONFIG: gatewayKubeconfig }, timeoutMs: 60_000 },
      );
      assert.match(terminal.stdout, /41 137[^]*50 99/);
    });

    it("debugs a pod with a container beside it", async () => {
      const pod = await run("get pod -l app=web -o jsonpath={.items[0].metadata.name}");
      await run(
        `debug ${pod} --image=bed.local/workload:1 --image-pull-policy=Never --profile=general --container=beside --target=main -- sleep 60`,
      );
      await waitFor(
        "the debug container",
        async () =>
          (await run(
            `get pod ${pod} -o jsonpath={.status.ephemeralContainerStatuses[0].state.running.startedAt}`,
          )) !== "",
      );
      assert.match(await run(`exec ${pod} -c beside -- ps`), /httpd/);
    });

    it("runs a pod for one command and takes it away", async () => {
      const said = await run(
        "run once --rm -i --restart=Never --image=bed.local/workload:1 --image-pull-policy=Never --command -- echo said-once",
      );
      assert.match(said, /said-once/);
      assert.equal(await run("get pod once --ignore-not-found"), "");
    });

    it("drains the node of one workload and lets it back", async () => {
      const node = await nodeName();
      await run(`cordon ${node}`);
      try {
        assert.match(
          await run(`drain ${node} --pod-selector=app=web --ignore-daemonsets --timeout=90s`),
          /drained/,
        );
        assert.match(await run(`get node ${node}`), /SchedulingDisabled/);
      } finally {
        await run(`uncordon ${node}`);
      }
      await run("rollout status deployment/web --timeout=120s");
      assert.match(await run("events --for deployment/web"), /ScalingReplicaSet/);
    });

    it("says who it is on the managed cluster, and what it may do there", async () => {
      assert.match(await run("auth whoami"), /system:serviceaccount:[a-z-]+:cluster-gateway/);
      assert.equal((await run("auth can-i delete pods")).trim(), "yes");
      // The hub resolves --as: it is that user who may or may not use the gateway.
      const other = await attempt("auth can-i delete pods --as=nobody-in-particular");
      assert.match(
        other.stderr,
        /User "nobody-in-particular" cannot \w+ resource "clustergateways\/proxy"/,
      );
    });

    it("makes a token, and reports the absence of metrics as the managed cluster does", async () => {
      assert.match(await run("create token default --duration=10m"), /^[\w-]+\.[\w-]+\.[\w-]+$/m);
      const top = await attempt("top pods");
      assert.match(top.stderr, /Metrics API not available/);
    });

    it("explains in both versions of OpenAPI, and tells where the cluster is", async () => {
      assert.match(await run("explain deployment.spec.strategy --recursive"), /maxSurge/);
      assert.match(await run("explain deployment.spec --output=plaintext-openapiv2"), /replicas/);
      assert.match(await run("cluster-info"), /control plane.* is running at .*clustergateways/);
    });

    it("opens a local proxy to all of it", async () => {
      await using proxy = startKubectl(
        ["proxy", "--port=0", "--append-server-path"],
        gatewayKubeconfig,
        {},
        program,
      );
      const port = await waitFor(
        "the proxy",
        async () => /127\.0\.0\.1:(\d+)/u.exec(proxy.stdout)?.[1],
      );
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/namespaces/${namespace}`);
      const found = (await answer.json()) as { readonly metadata?: { readonly name?: string } };
      assert.equal(found.metadata?.name, namespace);
    });

    it("replaces, annotates, taints and deletes with dependents", async () => {
      const whole = await run("get deployment/web -o json");
      await run("replace -f -", { input: whole });
      await run("annotate deployment/web note=kept");
      const node = await nodeName();
      await run(`taint node ${node} e2e=yes:PreferNoSchedule`);
      await run(`taint node ${node} e2e=yes:PreferNoSchedule-`);
      await run("delete deployment/web --cascade=foreground --timeout=90s");
      assert.equal(await run("get pod -l app=web --ignore-not-found"), "");
    });
  });
}
