import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { at, type ProcessCluster, startProcessCluster, waitFor } from "#bed";
import { ourTunnelPrograms as ours, TunnelProcesses } from "#testing";

const refused = "spokeway_tls_files_refused";
const refusals = "konnectivity_network_proxy_server_tls_handshake_refusals_total";

describe("what the tunnel's processes are given", { timeout: 120_000 }, () => {
  let processes: TunnelProcesses;
  before(async () => {
    processes = await TunnelProcesses.open();
  });
  after(() => processes[Symbol.asyncDispose]());

  /** Good flags of a server, each of which a case may replace. */
  const serverFlags = async (): Promise<Readonly<Record<string, string>>> => {
    const { frontends, agents } = processes;
    const flags = [
      ...(await processes.pairFlags(
        ["server-ca-cert", "server-cert", "server-key"],
        frontends,
        await frontends.server("localhost"),
      )),
      ...(await processes.pairFlags(
        ["cluster-ca-cert", "cluster-cert", "cluster-key"],
        agents,
        await agents.server("localhost"),
      )),
    ];
    return Object.fromEntries(flags.map((flag) => flag.slice(2).split("=") as [string, string]));
  };

  const cases: Readonly<
    Record<string, readonly [change: () => Promise<Record<string, string>>, says: RegExp]>
  > = {
    "a file that is not there": [
      () => Promise.resolve({ "cluster-cert": "/nowhere/tls.crt" }),
      /--cluster-cert=\/nowhere\/tls\.crt: ENOENT/,
    ],
    "a CA bundle without a certificate": [
      async () => ({ "cluster-ca-cert": await processes.file("ca.crt", "nothing") }),
      /--cluster-ca-cert=.*ca\.crt holds no certificate in PEM form/,
    ],
    "a key of another certificate": [
      async () => ({
        "server-key": await processes.file("other.key", (await processes.agents.client("x")).key),
      }),
      /--server-cert=.*--server-key=.*other\.key.*mismatch/,
    ],
    "a strategy that nobody knows": [
      () => Promise.resolve({ "proxy-strategies": "destHost,nearest" }),
      /invalid proxy strategies: nearest: expected some of default, destHost, defaultRoute/,
    ],
    "a flag that nobody knows": [() => Promise.resolve({ "server-prot": "1" }), /--server-prot/],
    "a duration without a unit": [
      () => Promise.resolve({ "keepalive-time": "30" }),
      /--keepalive-time=30: not a duration such as 30s/,
    ],
  };
  for (const [name, [change, says]] of Object.entries(cases)) {
    it(`is refused at the start: ${name}`, async () => {
      const flags = { ...(await serverFlags()), ...(await change()) };
      const argv = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
      const { code, output } = await processes.run([...ours.server, ...argv]);
      assert.equal(code, 2, output);
      assert.match(output, says);
      assert.ok(!output.includes("PRIVATE KEY"), "no key is shown");
    });
  }

  it("keeps its certificate when the changed one is unusable, and says so until it is fine", async () => {
    await using cluster = await startProcessCluster({ name: "events" });
    await using own = await TunnelProcesses.open();
    const pair = await own.agents.server("127.0.0.1");
    const certificate = await own.file("tls.crt", pair.cert);
    const key = await own.file("tls.key", pair.key);
    const inDefault = "/api/v1/namespaces/default";
    await cluster.api.create(`${inDefault}/serviceaccounts`, { metadata: { name: "default" } });
    const pod = await cluster.api.create(`${inDefault}/pods`, ownPod);
    const server = await own.startServer(ours, {
      agents: "token",
      flags: [
        `--cluster-cert=${certificate}`,
        `--cluster-key=${key}`,
        "--agent-namespace=default",
        "--agent-service-account=agent",
        "--authentication-audience=servers",
        `--kubeconfig=${cluster.kubeconfig}`,
        "--enable-profiling",
      ],
      environment: {
        POD_NAMESPACE: "default",
        POD_NAME: ownPod.metadata.name,
        POD_UID: String(at(pod, "metadata", "uid")),
      },
    });
    const series = 'flag="cluster-cert"';
    assert.equal(await server.metric(refused, series), 0);
    const end = await server.metric("spokeway_tls_certificate_not_after_seconds", series);
    assert.ok(Math.abs(end - (Date.now() + 3_600_000) / 1000) < 300, "an hour from now");
    await writeFile(certificate, "nothing");
    await waitFor("the metric", async () => (await server.metric(refused, series)) === 1);
    await waitFor("the Event", async () => hasEvent(cluster, certificate));
    assert.match(server.output, /Cannot use changed certificates, keeping the old ones/);
    // Still with the certificate of before.
    const agent = await own.startAgent(ours, { port: server.ports.agents, auth: "token" });
    await waitFor("the refusal, behind a handshake that works", async () => {
      return (await server.metric("konnectivity_network_proxy_server_agent_refusals_total")) > 0;
    });
    assert.equal(await server.metric(refusals), 0);
    await waitFor("word of it at the agent", async () =>
      /Authentication context was not found in metadata/.test(agent.output),
    );
    await rm(certificate);
    await writeFile(certificate, pair.cert);
    await waitFor("the end of it", async () => (await server.metric(refused, series)) === 0);
    const profile = `http://127.0.0.1:${server.ports.admin}/debug/pprof/profile?seconds=1`;
    assert.ok(Array.isArray(at(await (await fetch(profile)).json(), "nodes")));
  });

  it("leaves a file alone where its socket should be", async () => {
    const path = join(processes.directory, "file.txt");
    await writeFile(path, "somebody's");
    const flags = [`--uds-name=${path}`, "--server-port=0"];
    const started = processes.startServer(ours, { frontends: "socket", flags });
    await assert.rejects(started, /Cannot listen on .*file\.txt: there is a file, not a socket/);
  });
});

const ownPod = {
  metadata: { name: "tunnel-server-1" },
  spec: {
    containers: [{ name: "tunnel-server", image: "none" }],
    automountServiceAccountToken: false,
  },
};

async function hasEvent(cluster: ProcessCluster, path: string): Promise<boolean> {
  const items = at(await cluster.api.find("/api/v1/namespaces/default/events"), "items");
  return (items as readonly unknown[]).some(
    (event) =>
      at(event, "involvedObject", "name") === ownPod.metadata.name &&
      at(event, "reason") === "CertificateRefused" &&
      String(at(event, "message")).includes(path),
  );
}
