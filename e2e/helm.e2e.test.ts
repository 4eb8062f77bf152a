/** helm on managed1, by the hub's API server and by the gateway's own door, with the chart that helm itself makes. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type FullBed, findFullBed } from "#bed";
import { type Door, openDoor } from "./support/door.ts";
import { grantAllOnManaged, revokeAllOnManaged } from "./support/grant.ts";
import {
  gatewayKubeconfig,
  helm,
  kubectl,
  managedKubeconfig,
  tryHelm,
  writeGatewayKubeconfig,
} from "./support/hub.ts";

const namespace = "e2e-helm";
const onManaged = { kubeconfig: managedKubeconfig };
const values = [
  "image.repository=bed.local/workload",
  "image.tag=1",
  "image.pullPolicy=Never",
  "service.port=8080",
].flatMap((value) => ["--set", value]);

describe("helm on managed1", () => {
  let bed: FullBed;
  let door: Door;
  const opened = new AsyncDisposableStack();
  let scratch = "";
  let chart = "";

  before(async () => {
    bed = await findFullBed();
    scratch = await mkdtemp(join(tmpdir(), "spokeway-e2e-"));
    chart = await createChart(scratch);
    await writeGatewayKubeconfig();
    await grantAllOnManaged();
    await kubectl(["delete", "ns", namespace, "--ignore-not-found"], onManaged);
    door = opened.use(await openDoor(bed));
  });

  after(async () => {
    await kubectl(["delete", "ns", namespace, "--ignore-not-found", "--wait=false"], onManaged);
    await revokeAllOnManaged();
    await opened.disposeAsync();
    await rm(scratch, { recursive: true, force: true });
    for (const { api } of [bed.hub, ...bed.managed]) api.close();
  });

  for (const road of ["hub", "door"] as const) {
    it(`installs, upgrades, tests, rolls back and uninstalls by the ${road}`, async () => {
      const env = { KUBECONFIG: road === "hub" ? gatewayKubeconfig : door.kubeconfig };
      const name = `by-${road}`;
      const inNamespace = ["-n", namespace, "--timeout=120s"];
      const run = async (...args: readonly string[]) => helm([...args, ...inNamespace], { env });
      const replicas = () => {
        const args = ["get", "deploy", "-l", `app.kubernetes.io/instance=${name}`];
        return kubectl(
          ["-n", namespace, ...args, "-o=jsonpath={.items[*].status.readyReplicas}"],
          onManaged,
        );
      };

      await run("install", name, chart, "--create-namespace", "--wait", ...values);
      assert.equal(await replicas(), "1");
      await run("upgrade", name, chart, "--wait", ...values, "--set", "replicaCount=2");
      assert.equal(await replicas(), "2");
      assert.match(await run("test", name, "--logs"), /This is the bed's workload/);
      await run("rollback", name, "1", "--wait");
      assert.equal(await replicas(), "1");
      const releases = JSON.parse(
        (await tryHelm(["-n", namespace, "list", "-o=json"], { env })).stdout,
      ) as readonly { readonly name: string; readonly revision: string; readonly status: string }[];
      assert.deepEqual(
        releases.map(({ name: listed, revision, status }) => [listed, revision, status]),
        [[name, "3", "deployed"]],
      );
      await run("uninstall", name, "--wait");
      assert.equal(await replicas(), "");
    });
  }
});

/** The chart that `helm create` makes, with images that the bed has. */
async function createChart(directory: string): Promise<string> {
  const chart = join(directory, "web");
  await helm(["create", chart]);
  const test = join(chart, "templates", "tests", "test-connection.yaml");
  const text = await readFile(test, "utf8");
  const changed = text.replace(/image: busybox\S*/u, "image: bed.local/workload:1");
  assert.notEqual(changed, text);
  // The answer itself goes to the log.
  await writeFile(test, changed.replace(/args: \[/u, "args: ['-O-', "));
  return chart;
}
