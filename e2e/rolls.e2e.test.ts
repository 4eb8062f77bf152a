/** Components are rolled and killed under load: who uses them as Kubernetes' clients do loses nothing. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { type FullBed, findFullBed, isTorture, killContainer, waitFor } from "#bed";
import { startKubectl } from "./support/background.ts";
import { type Changes, changePrefix, startChanges } from "./support/changes.ts";
import { grantAllOnManaged, revokeAllOnManaged } from "./support/grant.ts";
import {
  gatewayKubeconfig,
  gatewayPath,
  kubectl,
  managedKubeconfig,
  writeGatewayKubeconfig,
} from "./support/hub.ts";
import {
  historiesOf,
  type Informer,
  type InformerEvent,
  repetitionsIn,
  startInformer,
} from "./support/informer.ts";
import { type Load, startLoad } from "./support/load.ts";
import { countRestarts, untilRolled, upgradeRelease } from "./support/releases.ts";
import { tickerIn } from "./support/ticker.ts";

const namespace = "e2e-rolls";
const onManaged = { kubeconfig: managedKubeconfig };

const gateway = { namespace: "vela-system", name: "gateway-deployment" };
const tunnelServer = { namespace: "open-cluster-management-addon", name: "cluster-proxy" };
const agent = {
  namespace: "open-cluster-management-cluster-proxy",
  name: "cluster-proxy-proxy-agent",
  ...onManaged,
};

const ticker = tickerIn(namespace);

/** What is killed: in which cluster, and how its processes are told from others. */
const victims = [
  { what: "a gateway", cluster: "hub", argument: "/app/gateway.mjs", deployment: gateway },
  {
    what: "a tunnel server",
    cluster: "hub",
    argument: "/app/tunnel-server.mjs",
    deployment: tunnelServer,
  },
  { what: "an agent", cluster: "managed1", argument: "tunnel", deployment: agent },
] as const;

describe("components in two copies", () => {
  let bed: FullBed;

  const managedApi = () => bed.managed[0]?.api ?? assert.fail("no managed cluster");
  const load = (retries: number): Load =>
    startLoad(() => bed.hub.api.send({ path: `${gatewayPath}/api/v1/namespaces/${namespace}` }), {
      retries,
    });

  before(async () => {
    bed = await findFullBed();
    await writeGatewayKubeconfig();
    await grantAllOnManaged();
    await kubectl(["delete", "ns", namespace, "--ignore-not-found"], onManaged);
    await kubectl(["create", "ns", namespace], onManaged);
    await upgradeRelease("cluster-proxy", ["replicas=2"]);
    await upgradeRelease("cluster-gateway", ["clusterGateway.replicas=2"]);
    for (const { deployment } of victims) await untilRolled(deployment, 2);
  });

  after(async () => {
    await kubectl(["delete", "ns", namespace, "--ignore-not-found", "--wait=false"], onManaged);
    await revokeAllOnManaged();
    await upgradeRelease("cluster-gateway");
    await upgradeRelease("cluster-proxy");
    for (const { deployment } of victims) await untilRolled(deployment, 1);
    for (const { api } of [bed.hub, ...bed.managed]) api.close();
  });

  it("are not all taken by the drain of a node", async () => {
    for (const { namespace: place, name } of [gateway, tunnelServer]) {
      const budget = await waitFor("the budget's status", async () => {
        const shown = ["-o", "jsonpath={.status.expectedPods} {.status.disruptionsAllowed}"];
        const said = await kubectl(["-n", place, "get", "pdb", name, ...shown]);
        return said.startsWith("2 ") && said;
      });
      assert.equal(budget, "2 1", name);
    }
  });

  it("roll without a failed request, and without a missed event in Go's informers", async () => {
    await using direct = await startInformer(managedKubeconfig, namespace);
    await using through = await startInformer(gatewayKubeconfig, namespace);
    await using operator = await startInformer(gatewayKubeconfig, namespace, "controller-runtime");
    const informers = { direct, through, operator };
    await waitFor("all informers", async () =>
      Object.values(informers).every((informer) => informer.isSynced()),
    );
    await using changes = startChanges(managedApi(), namespace);
    await using requests = load(0);
    const rolled = isTorture ? [gateway, tunnelServer, agent, gateway] : [gateway];
    for (const { namespace: place, name, ...options } of rolled) {
      await kubectl(["-n", place, "rollout", "restart", `deployment/${name}`], options);
      await untilRolled({ namespace: place, name, ...options }, 2);
    }
    const { answered, failures } = await requests.stop();
    assert.deepEqual(failures, []);
    assert.ok(answered > 20, `only ${answered} requests`);
    await assertSameHistories(informers, changes);
  });

  it("let a log that is followed and a command go on while the gateway rolls", async () => {
    await kubectl(["apply", "-f", "-"], { ...onManaged, input: ticker });
    const ready = ["wait", "--for=condition=Ready", "pod/ticker", "--timeout=90s"];
    await kubectl(["-n", namespace, ...ready], onManaged);
    const start = (...args: readonly string[]) =>
      startKubectl(["-n", namespace, ...args], gatewayKubeconfig);
    {
      await using logs = start("logs", "-f", "--tail=1", "ticker");
      await using command = start("exec", "-i", "ticker", "--", "cat");
      command.write("before\n");
      await waitFor("both", async () => /tick/.test(logs.stdout) && /before/.test(command.stdout));

      const { namespace: place, name } = gateway;
      await kubectl(["-n", place, "rollout", "restart", `deployment/${name}`]);
      await kubectl(["-n", place, "rollout", "status", `deployment/${name}`, "--timeout=240s"]);
      // By then the last of the old ones has stopped to wait for new requests, and would have cut the rest.
      const seen = logs.stdout.length;
      const later = 25 * "tick-0000000000\n".length;
      await waitFor("more of the log", async () => {
        return !logs.isRunning || logs.stdout.length >= seen + later;
      });
      command.write("after\n");
      await waitFor("an answer", async () => !command.isRunning || /after/.test(command.stdout));
      const said = logs.stderr + command.stderr;
      assert.deepEqual([logs.isRunning, command.isRunning], [true, true], said);
      const ticks = [...logs.stdout.matchAll(/tick-(\d+)/g)].map((match) => Number(match[1]));
      const gaps = ticks.slice(1).filter((tick, index) => tick - (ticks[index] ?? tick) > 3);
      assert.deepEqual(gaps, []);
    }
    // With the last of them the old gateways end.
    await untilRolled(gateway, 2);
  });

  for (const { what, cluster, argument, deployment } of victims) {
    it(`lose no request that is tried again when ${what} is killed`, async () => {
      await using requests = load(1);
      for (let time = 0; time < (isTorture ? 5 : 1); time += 1) {
        const before = await countRestarts(deployment);
        await killContainer(cluster, argument);
        await waitFor("the restart", async () => (await countRestarts(deployment)) > before);
        await untilRolled(deployment, 2);
      }
      const { answered, failures } = await requests.stop();
      assert.deepEqual(failures, []);
      assert.ok(answered > 20, `only ${answered} requests`);
    });
  }
});

/** Both informers have to have seen all that was changed, in order and once. */
async function assertSameHistories(
  informers: Readonly<Record<string, Informer>>,
  changes: Changes,
): Promise<void> {
  const expected = await changes.stop();
  assert.ok(Object.keys(expected).length > 10);
  for (const [what, informer] of Object.entries(informers)) {
    const seen = () => historiesOf(informer.events.filter(isChange));
    const isEqual = async () => isDeepStrictEqual(seen(), expected);
    await waitFor(`all changes at the informer ${what}`, isEqual, { limitMs: 30_000 }).catch(() => {
      assert.deepEqual(seen(), expected, `the informer ${what}`);
    });
    assert.deepEqual(repetitionsIn(informer.events), []);
  }
}

function isChange({ name }: InformerEvent): boolean {
  return name?.startsWith(changePrefix) ?? false;
}
