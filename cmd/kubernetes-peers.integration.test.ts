import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  at,
  findTools,
  konnectivityTools,
  type ProcessCluster,
  startProcessCluster,
  waitFor,
} from "#bed";
import {
  ourTunnelPrograms as ours,
  type ServerProcess,
  startBalancer,
  TunnelProcesses,
  type TunnelPrograms,
} from "#testing";

const tools = await findTools(konnectivityTools);
const go036 = goPrograms("0.36");
const go034 = goPrograms("0.34");

function goPrograms(version: string): TunnelPrograms {
  const argv = (name: string) => [tools.path(`konnectivity-${name}-${version}`)];
  return { name: `Go ${version}`, server: argv("server"), agent: argv("agent"), agentFlags: [] };
}

const established = "konnectivity_network_proxy_server_dial_duration_seconds_count";
const openServers = "konnectivity_network_proxy_agent_open_server_connections";
const namespace = "kube-system";
const audience = "tunnel-servers";
const bigAnswer = randomBytes(1024 * 1024).toString("base64");

/** One server, and how the API server reaches it. */
interface Egress {
  readonly name: string;
  readonly frontends: "port" | "socket";
  readonly mode: "grpc" | "http-connect";
  /** Identifiers of agents and the strategy that finds them. */
  readonly strategy: string;
  readonly identifiers: string;
  readonly agents: readonly TunnelPrograms[];
}

const egresses: readonly Egress[] = [
  {
    name: "gRPC over a Unix socket",
    frontends: "socket",
    mode: "grpc",
    strategy: "destHost",
    identifiers: "host=localhost",
    agents: [ours, go036, go034],
  },
  {
    name: "HTTP CONNECT over a Unix socket",
    frontends: "socket",
    mode: "http-connect",
    strategy: "destHost,defaultRoute",
    identifiers: "default-route=true",
    agents: [ours, go036],
  },
  {
    name: "HTTP CONNECT over a port with certificates",
    frontends: "port",
    mode: "http-connect",
    strategy: "default",
    identifiers: "",
    agents: [go034, ours],
  },
];

describe("a real API server and the tunnel programs", { timeout: 300_000 }, () => {
  let processes: TunnelProcesses;
  let cluster: ProcessCluster;
  let egressFile = "";
  const stops: (() => unknown)[] = [];

  before(async () => {
    processes = await TunnelProcesses.open();
    egressFile = join(processes.directory, "egress.json");
    await writeFile(egressFile, egressConfiguration({ proxyProtocol: "Direct" }));
    cluster = await startProcessCluster({
      name: "egress",
      apiServer: { flags: [`--egress-selector-config-file=${egressFile}`] },
    });
    await serveAggregatedApi(cluster, stops);
  });
  after(async () => {
    for (const stop of stops) stop();
    await cluster[Symbol.asyncDispose]();
    await processes[Symbol.asyncDispose]();
  });

  for (const { name, frontends, mode, strategy, identifiers, agents } of egresses) {
    it(`reaches an aggregated API through ours by ${name}`, async () => {
      const flags = [`--mode=${mode}`, `--proxy-strategies=${strategy}`];
      const server = await processes.startServer(ours, { frontends, flags });
      assert.equal((await server.get("/readyz")).body, "no connection to any proxy agent\n");
      await writeFile(egressFile, await connectionTo(server, { frontends, mode }, processes));
      await cluster.restart("kube-apiserver");
      await cluster.ready();
      for (const programs of agents) {
        const before = await server.metric(established);
        const agent = await processes.startAgent(programs, {
          port: server.ports.agents,
          flags: [`--agent-identifiers=${identifiers}`],
        });
        await waitFor(`the API through the agent of ${programs.name}`, async () => {
          const { status, body } = await cluster.api.send({ path: "/apis/bed.test/v1/things" });
          return status === 200 && at(body, "metadata", "note") === bigAnswer;
        });
        assert.ok((await server.metric(established)) > before, "it went through the tunnel");
        agent.signal("SIGKILL");
        await agent.exited;
        const { status } = await cluster.api.send({ path: "/apis/bed.test/v1/things" });
        assert.equal(status, 503);
      }
      server.signal("SIGTERM");
      assert.equal(await server.exited, 0);
    });
  }

  const accounts = [
    `--agent-namespace=${namespace}`,
    "--agent-service-account=agent",
    `--authentication-audience=${audience}`,
  ];
  for (const [server, agent] of [
    [ours, ours],
    [ours, go036],
    [ours, go034],
    [go036, ours],
    [go034, ours],
  ] as const) {
    it(`knows agents by their tokens; server: ${server.name}, agent: ${agent.name}`, async () => {
      const running = await processes.startServer(server, {
        agents: "token",
        flags: [...accounts, `--kubeconfig=${cluster.kubeconfig}`],
      });
      const start = async (account: string) => {
        const path = await processes.file("token", await tokenOf(cluster, account));
        const flags = [`--service-account-token-path=${path}`];
        return processes.startAgent(agent, { port: running.ports.agents, auth: "token", flags });
      };
      const [known, stranger] = await Promise.all([start("agent"), start("stranger")]);
      await waitFor("the known agent", async () => (await known.metric(openServers)) === 1);
      assert.equal((await running.get("/readyz")).body, "ok");
      if (server === ours) {
        await waitFor("the stranger's refusal", async () => {
          const refusals = "konnectivity_network_proxy_server_agent_refusals_total";
          return (await running.metric(refusals)) > 0;
        });
        assert.match(running.output, /incoming request from \\"stranger\\" service account/);
      }
      assert.equal(await stranger.metric(openServers), 0);
      for (const { signal } of [known, stranger, running]) signal("SIGKILL");
      assert.ok(![known, stranger, running].some(({ output }) => /eyJ/.test(output)), "no token");
    });
  }

  it("counts servers by Leases, whoever keeps and whoever counts them", async () => {
    const leaseFlags = ["--enable-lease-controller", `--kubeconfig=${cluster.kubeconfig}`];
    await cluster.api.create(leasesPath, expiredLease);
    const [one, other] = await Promise.all(
      [ours, go036].map((server) => processes.startServer(server, { flags: leaseFlags })),
    );
    assert.ok(one !== undefined && other !== undefined);
    await using door = await startBalancer([one.ports.agents, other.ports.agents]);
    const flags = ["--count-server-leases", `--kubeconfig=${cluster.kubeconfig}`];
    const agents = await Promise.all(
      [ours, go036, go034].map((agent) => processes.startAgent(agent, { port: door.port, flags })),
    );
    for (const agent of agents) {
      await waitFor("both servers", async () => (await agent.metric(openServers)) === 2);
    }
    const [agent] = agents;
    assert.ok(agent !== undefined);
    const lists = "konnectivity_network_proxy_agent_lease_lists_total";
    assert.ok((await agent.metric(lists, 'http_response_code="200"')) >= 1);
    await waitFor("the removal of the Lease that has ended", async () => {
      return (await cluster.api.find(`${leasesPath}/gone`)) === undefined;
    });
    one.signal("SIGTERM");
    assert.equal(await one.exited, 0);
    const items = at(await cluster.api.find(leasesPath), "items") as readonly unknown[];
    const names = items.map((lease) => String(at(lease, "metadata", "name")));
    assert.equal(names.filter((name) => name.startsWith("konnectivity-proxy-server-")).length, 1);
    for (const { metric } of agents) {
      const known = "konnectivity_network_proxy_agent_known_server_count";
      await waitFor("the news", async () => (await metric(known)) === 1);
    }
  });
});

const leasesPath = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
const expiredLease = {
  metadata: { name: "gone", labels: { "k8s-app": "konnectivity-server" } },
  spec: {
    holderIdentity: "gone",
    leaseDurationSeconds: 30,
    renewTime: "2026-01-01T00:00:00.000000Z",
  },
};

function egressConfiguration(connection: object): string {
  return JSON.stringify({
    apiVersion: "apiserver.k8s.io/v1beta1",
    kind: "EgressSelectorConfiguration",
    egressSelections: [{ name: "cluster", connection }],
  });
}

async function connectionTo(
  { socket, ports }: ServerProcess,
  { frontends, mode }: Pick<Egress, "frontends" | "mode">,
  processes: TunnelProcesses,
): Promise<string> {
  const proxyProtocol = mode === "grpc" ? "GRPC" : "HTTPConnect";
  if (frontends === "socket") {
    return egressConfiguration({ proxyProtocol, transport: { uds: { udsName: socket } } });
  }
  const { frontends: authority } = processes;
  const pair = await authority.client("kube-apiserver");
  const tlsConfig = {
    caBundle: await processes.file("ca.crt", authority.caPem),
    clientCert: await processes.file("tls.crt", pair.cert),
    clientKey: await processes.file("tls.key", pair.key),
  };
  const url = `https://127.0.0.1:${ports.frontends}`;
  return egressConfiguration({ proxyProtocol, transport: { tcp: { url, tlsConfig } } });
}

/** An aggregated API on this machine, with an answer of a megabyte. */
async function serveAggregatedApi(cluster: ProcessCluster, stops: (() => unknown)[]) {
  const pair = await cluster.servingCertificate("aggregated", ["DNS:aggregated.default.svc"]);
  const [cert, key] = await Promise.all([readFile(pair.certificate), readFile(pair.key)]);
  const server = createServer({ cert, key }, (request, response) => {
    response.setHeader("content-type", "application/json");
    const isList = request.url?.startsWith("/apis/bed.test/v1/things") === true;
    const document = isList
      ? { kind: "ThingList", apiVersion: "bed.test/v1", metadata: { note: bigAnswer }, items: [] }
      : { kind: "APIResourceList", groupVersion: "bed.test/v1", resources: [] };
    response.end(JSON.stringify(document));
  });
  server.listen(0, "localhost");
  await once(server, "listening");
  stops.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  await cluster.api.create("/api/v1/namespaces/default/services", {
    metadata: { name: "aggregated" },
    spec: { type: "ExternalName", externalName: "localhost" },
  });
  await cluster.api.create("/apis/apiregistration.k8s.io/v1/apiservices", {
    metadata: { name: "v1.bed.test" },
    spec: {
      group: "bed.test",
      version: "v1",
      groupPriorityMinimum: 1000,
      versionPriority: 1,
      caBundle: (await readFile(cluster.caPath)).toString("base64"),
      service: { namespace: "default", name: "aggregated", port },
    },
  });
}

async function tokenOf(cluster: ProcessCluster, account: string): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  await cluster.api.create(path, { metadata: { name: account } });
  const review = await cluster.api.create(`${path}/${account}/token`, {
    spec: { audiences: [audience], expirationSeconds: 600 },
  });
  return String(at(review, "status", "token"));
}
