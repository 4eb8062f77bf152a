/** Every kind of kubectl command on managed1 through the hub, with nothing but hub credentials. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { after, before, describe, it } from "node:test";
import { isTorture, waitFor } from "#bed";
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

const namespace = "e2e-kubectl";
const inNamespace = ["-n", namespace];
const image = "bed.local/workload:1";

const pod = `
apiVersion: v1
kind: Pod
metadata: { name: workload, namespace: ${namespace}, labels: { app: workload } }
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: ${image}
    imagePullPolicy: Never
    stdin: true
    command: [sh, -c]
    args:
    - |
      mkdir -p /tmp/www && echo served-by-managed1 >/tmp/www/index.html && httpd -p 8080 -h /tmp/www
      (while :; do date +tick-%s; sleep 1; done) &
      while read -r line; do echo "heard $line"; done
      wait
`;

/** Both ways in which kubectl carries exec, attach, cp and port-forward. */
const carriers = {
  WebSocket: {
    KUBECTL_REMOTE_COMMAND_WEBSOCKETS: "true",
    KUBECTL_PORT_FORWARD_WEBSOCKETS: "true",
  },
  SPDY: { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: "false", KUBECTL_PORT_FORWARD_WEBSOCKETS: "false" },
} as const;

const waysToCarry = kubectlVersions.flatMap((version) =>
  Object.entries(carriers).map(([carrier, env]) => ({ carrier, version, env })),
);

const copiedMegabytes = isTorture ? 500 : 20;

function through(args: readonly string[], options: KubectlOptions = {}): Promise<string> {
  return kubectl(args, { kubeconfig: gatewayKubeconfig, ...options });
}

/** Writes so many random megabytes; answers their checksum. */
async function writeRandom(path: string, megabytes: number): Promise<string> {
  const sum = createHash("sha256");
  await using file = await open(path, "w");
  for (let written = 0; written < megabytes; written += 1) {
    const bytes = randomBytes(2 ** 20);
    sum.update(bytes);
    await file.write(bytes);
  }
  return sum.digest("hex");
}

async function sha256(path: string): Promise<string> {
  const sum = createHash("sha256");
  await pipeline(createReadStream(path), sum);
  return sum.digest("hex");
}

describe("kubectl on managed1 through the hub", () => {
  let scratch = "";

  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), "spokeway-e2e-"));
    await writeGatewayKubeconfig();
    await grantAllOnManaged();
    await kubectl(["delete", "ns", namespace, "--ignore-not-found"], {
      kubeconfig: managedKubeconfig,
    });
  });

  after(async () => {
    await kubectl(["delete", "ns", namespace, "--ignore-not-found", "--wait=false"], {
      kubeconfig: managedKubeconfig,
    });
    await revokeAllOnManaged();
    await rm(scratch, { recursive: true, force: true });
  });

  it("creates, applies, gets, patches, labels and deletes", async () => {
    await through(["create", "ns", namespace]);
    await through(["apply", "-f", "-"], { input: pod });
    await through([...inNamespace, "create", "configmap", "one", "--from-literal=a=1"]);
    await through([...inNamespace, "patch", "configmap", "one", "-p", '{"data":{"a":"2"}}']);
    await through([...inNamespace, "label", "configmap", "one", "x=y"]);
    const value = await through([...inNamespace, "get", "cm", "one", "-o", "jsonpath={.data.a}"]);
    assert.equal(value, "2");
    await through([...inNamespace, "delete", "configmap", "-l", "x=y"]);
    const { stderr } = await tryKubectl([...inNamespace, "get", "cm", "one"], {
      kubeconfig: gatewayKubeconfig,
    });
    assert.equal(stderr, 'Error from server (NotFound): configmaps "one" not found\n');
    const direct = await kubectl(["get", "ns", namespace, "-o", "name"], {
      kubeconfig: managedKubeconfig,
    });
    assert.equal(direct.trim(), `namespace/${namespace}`);
  });

  it("keeps a dry run dry", async () => {
    const create = [...inNamespace, "create", "configmap", "dry", "--dry-run=server"];
    assert.match(await through(create), /created \(server dry run\)/);
    const found = await through([...inNamespace, "get", "cm", "-o", "name"]);
    assert.doesNotMatch(found, /dry/);
  });

  it("waits for a condition, which is a watch", async () => {
    await through([
      ...inNamespace,
      "wait",
      "--for=condition=Ready",
      "pod/workload",
      "--timeout=90s",
    ]);
  });

  it("tells a watch of each change as it happens", async () => {
    await using watch = startKubectl(
      [...inNamespace, "get", "configmap", "--watch-only", "-o", "name"],
      gatewayKubeconfig,
    );
    await waitFor(
      "the first event",
      async () => {
        await through([...inNamespace, "create", "configmap", `seen-${Date.now()}`]);
        return watch.stdout.includes("configmap/seen-");
      },
      { everyMs: 1_000 },
    );
  });

  it("follows logs for longer than two minutes without a gap", async () => {
    await using logs = startKubectl(
      [...inNamespace, "logs", "-f", "--tail=1", "workload"],
      gatewayKubeconfig,
    );
    await waitFor("the first line", () => Promise.resolve(logs.stdout.includes("tick-")));
    const first = Number(/tick-(\d+)/.exec(logs.stdout)?.[1]);
    await waitFor(
      "two minutes of log",
      () => Promise.resolve(logs.stdout.includes(`tick-${first + 130}`) || !logs.isRunning),
      { limitMs: 240_000, everyMs: 500 },
    );
    assert.equal(logs.isRunning, true, logs.stderr);
    const ticks = [...logs.stdout.matchAll(/tick-(\d+)/g)].map((match) => Number(match[1]));
    const largestGap = Math.max(
      ...ticks.slice(1).map((tick, index) => tick - (ticks[index] ?? tick)),
    );
    assert.ok(largestGap <= 3, `a gap of ${largestGap} s in the log`);
  });

  for (const { carrier, version, env } of waysToCarry) {
    const by = `over ${carrier} by kubectl ${version}`;
    it(`executes with input ${by}`, async () => {
      const exec = [...inNamespace, "exec", "-i", "workload", "--", "sh", "-c", "cat; exit 3"];
      const { code, stdout } = await tryKubectl(exec, {
        kubeconfig: gatewayKubeconfig,
        program: await findKubectl(version),
        env,
        input: "over the tunnel\n",
      });
      assert.deepEqual([code, stdout], [3, "over the tunnel\n"]);
    });

    it(`attaches ${by}`, async () => {
      await using attach = startKubectl(
        [...inNamespace, "attach", "-i", "workload"],
        gatewayKubeconfig,
        env,
        await findKubectl(version),
      );
      await waitFor("output of the attached container", () =>
        Promise.resolve(attach.stdout.includes("tick-")),
      );
      attach.write(`hello-${carrier}-${version}\n`);
      await waitFor("the echo", () =>
        Promise.resolve(attach.stdout.includes(`heard hello-${carrier}-${version}`)),
      );
    });

    it(`forwards a port and answers a request ${by}`, async () => {
      await using forward = startKubectl(
        [...inNamespace, "port-forward", "pod/workload", ":8080"],
        gatewayKubeconfig,
        env,
        await findKubectl(version),
      );
      const port = await waitFor("the forwarded port", () =>
        Promise.resolve(/127\.0\.0\.1:(\d+) ->/.exec(forward.stdout)?.[1]),
      );
      for (let count = 0; count < 3; count += 1) {
        assert.equal(await fetchText(`http://127.0.0.1:${port}/`), "served-by-managed1\n");
      }
    });

    it(`copies ${copiedMegabytes} MB there and back ${by}, equal to the byte`, async () => {
      const file = join(scratch, carrier + version);
      const sum = await writeRandom(file, copiedMegabytes);
      const remote = `${namespace}/workload:/tmp/copied`;
      const options = { env, program: await findKubectl(version), timeoutMs: 300_000 };
      await through(["cp", file, remote], options);
      const inside = ["exec", "workload", "--", "sha256sum", "/tmp/copied"];
      assert.equal((await through([...inNamespace, ...inside])).split(" ")[0], sum);
      await through(["cp", remote, `${file}.back`], options);
      assert.equal(await sha256(`${file}.back`), sum);
      await rm(`${file}.back`);
      await rm(file);
    });
  }

  it("reaches a service of managed1 through its API server", async () => {
    await through([...inNamespace, "expose", "pod", "workload", "--port=80", "--target-port=8080"]);
    const path = `/api/v1/namespaces/${namespace}/services/workload:80/proxy/`;
    const answer = await waitFor("the service", () => through(["get", `--raw=${path}`]));
    assert.equal(answer, "served-by-managed1\n");
  });

  it("describes, tops the API resources and explains, which is discovery and OpenAPI", async () => {
    assert.match(await through(["api-resources", "-o", "name"]), /^pods$/m);
    assert.match(await through(["explain", "pod.spec.containers"]), /List of containers/);
    assert.match(
      await through([...inNamespace, "describe", "pod", "workload"]),
      /Image:\s+bed.local/,
    );
  });
});

function fetchText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false, timeout: 10_000 }, (response) => resolve(text(response))).once(
      "error",
      reject,
    );
  });
}
