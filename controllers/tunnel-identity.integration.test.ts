import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect as connectHttp2 } from "node:http2";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { findFreePorts, waitFor } from "#bed";
import { makeAuthority, startConnectProxy } from "#testing";
import { makeAccount } from "../e2e/bed/ocm/account.ts";
import { AddonHub, addonNamespace } from "./testdata/addon-hub.ts";
import { PodProcess } from "./testdata/pod-process.ts";

const agentNamespace = "open-cluster-management-cluster-proxy";
/** A name of the tunnel server that nobody here knows. */
const entrypointName = `proxy-entrypoint.${addonNamespace}.svc`;
const [frontends, agents, serverHealth, serverAdmin, agentHealth, agentAdmin] =
  await findFreePorts(6);

/** The tunnel that the controller installs, its programs started as its Deployments say. */
describe("identity in the tunnel", () => {
  let world: AddonHub;
  let server: PodProcess;
  let agent: PodProcess;

  before(
    async () => {
      world = await AddonHub.start("v1alpha1-and-v1beta1");
      await world.install("cluster-proxy");
      await waitFor("the agent's certificate", async () => {
        const name = "cluster-proxy-open-cluster-management.io-proxy-agent-signer-client-cert";
        return (await world.managedField("secret", name, ".data", agentNamespace)) !== "";
      });
      await waitFor("the agent", async () => {
        const of = ["deployment", "cluster-proxy-proxy-agent", ".metadata.name"] as const;
        return (await world.managedField(...of, agentNamespace)) !== "";
      });
      await waitFor("the server", async () => {
        const list = ["get", "deployments", `--namespace=${addonNamespace}`, "--output=name"];
        return (await world.hub.kubectl(list))
          .split("\n")
          .includes("deployment.apps/cluster-proxy");
      });
      server = await PodProcess.of(world.hub, addonNamespace, "cluster-proxy");
      agent = await PodProcess.of(world.managed, agentNamespace, "cluster-proxy-proxy-agent");
      const program = server.start([
        `--server-port=${frontends}`,
        `--agent-port=${agents}`,
        `--health-port=${serverHealth}`,
        `--admin-port=${serverAdmin}`,
        // With the rights that the controller gave the pod's account.
        `--kubeconfig=${await makeAccount(world.hub, addonNamespace, "cluster-proxy")}`,
      ]);
      await waitFor("the tunnel server", async () => {
        program.throwIfEnded();
        return server.log.includes(`"port":${agents}`);
      });
    },
    { timeout: 240_000 },
  );
  after(async () => {
    await agent[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  /** Whether a port lets a certificate in. */
  async function isLetIn(
    port: number,
    pod: PodProcess,
    pair: string,
    ca: string,
  ): Promise<boolean> {
    const read = (path: string) => readFile(join(pod.directory, path), "utf8");
    const session = connectHttp2(`https://127.0.0.1:${port}`, {
      ca: await readFile(join(server.directory, ca), "utf8"),
      cert: await read(`${pair}/tls.crt`),
      key: await read(`${pair}/tls.key`),
    });
    session.on("error", () => undefined);
    const settings = once(session, "remoteSettings").then(
      () => true,
      () => false,
    );
    const isIn = await Promise.race([settings, once(session, "close").then(() => false)]);
    session.destroy();
    return isIn;
  }

  const agentFlags = (...flags: readonly string[]): readonly string[] => [
    "--proxy-server-host=127.0.0.1",
    `--proxy-server-port=${agents}`,
    "--enable-port-forward-proxy=false",
    `--health-server-port=${agentHealth}`,
    `--admin-server-port=${agentAdmin}`,
    ...flags,
  ];
  const startAgent = (...flags: readonly string[]) => agent.start(agentFlags(...flags));

  async function configureAgents(spec: object): Promise<void> {
    const group = "addon.open-cluster-management.io";
    const name = "agents";
    const config = {
      apiVersion: `${group}/v1alpha1`,
      kind: "AddOnDeploymentConfig",
      metadata: { name, namespace: addonNamespace },
      spec: { agentInstallNamespace: agentNamespace, ...spec },
    };
    await world.hub.apply(JSON.stringify(config));
    const reference = {
      group,
      resource: "addondeploymentconfigs",
      namespace: addonNamespace,
      name,
    };
    await world.hub.kubectl([
      "patch",
      "managedclusteraddon",
      "cluster-proxy",
      "--namespace=managed1",
      "--type=merge",
      `--patch=${JSON.stringify({ spec: { configs: [reference] } })}`,
    ]);
  }

  async function refusals(): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${serverHealth}/metrics`);
    const found = /^konnectivity_network_proxy_server_agent_refusals_total (\d+)$/m.exec(
      await answer.text(),
    );
    return Number(found?.[1] ?? 0);
  }

  it("opens the agents' port and no front end's to an agent's certificate", async () => {
    const [own, ca] = ["etc/tls", "etc/agent-ca-pki/ca.crt"];
    assert.equal(await isLetIn(agents, agent, own, ca), true);
    assert.equal(await isLetIn(frontends, agent, own, "etc/server-ca-pki/ca.crt"), false);
  });

  it("keeps a Lease on the hub by which servers know each other", async () => {
    const selector = "proxy.open-cluster-management.io/component-name=proxy-server";
    await waitFor("the server's Lease", async () => {
      const list = ["get", "leases", `--namespace=${addonNamespace}`, `--selector=${selector}`];
      return (await world.hub.kubectl([...list, "--output=name"])).includes(
        "konnectivity-proxy-server-",
      );
    });
    assert.doesNotMatch(server.log, /forbidden/);
  });

  it("lets an agent serve its own cluster", async () => {
    const child = startAgent();
    await waitFor("the agent to be admitted", async () => server.log.includes("Agent connected"));
    assert.match(server.log, /cluster:managed1:addon:cluster-proxy:agent:proxy-agent/);
    await child.stop("SIGKILL");
    assert.equal(await refusals(), 0);
  });

  it("refuses an agent that claims another cluster, says so and counts it", async () => {
    for (const claim of ["host=managed2", "host=managed1&host=managed2", "default-route=true"]) {
      const earlier = await refusals();
      const child = startAgent(`--agent-identifiers=${claim}`);
      await waitFor(`${claim} to be refused`, async () => (await refusals()) > earlier);
      await child.stop("SIGKILL");
    }
    assert.match(server.log, /Refused agent.*its certificate does not name managed2/);
  });

  it("comes to the tunnel server through the proxy that its AddOnDeploymentConfig names", async () => {
    const company = await makeAuthority("company");
    await using proxy = await startConnectProxy({
      credentials: "agent:p@ss",
      tls: await company.server("localhost"),
      hosts: { [entrypointName]: "127.0.0.1" },
    });
    await configureAgents({
      proxyConfig: {
        httpsProxy: `https://agent:p%40ss@localhost:${proxy.port}`,
        noProxy: "10.0.0.0/8,.example",
        caBundle: Buffer.from(company.caPem).toString("base64"),
      },
    });
    await waitFor("the agent to be told of the proxy", async () => {
      const args = ".spec.template.spec.containers[0].args";
      const of = ["deployment", "cluster-proxy-proxy-agent", args] as const;
      return (await world.managedField(...of, agentNamespace)).includes("https-proxy-ca-cert");
    });
    await using behind = await PodProcess.of(
      world.managed,
      agentNamespace,
      "cluster-proxy-proxy-agent",
    );
    const connections = () => server.log.split("Agent connected").length;
    const earlier = connections();
    const program = behind.start(agentFlags(`--proxy-server-host=${entrypointName}`));
    await waitFor("the agent to be admitted", async () => {
      program.throwIfEnded();
      return connections() > earlier;
    });
    assert.deepEqual(new Set(proxy.asked), new Set([`${entrypointName}:${agents} 200`]));
    assert.doesNotMatch(behind.log, /p@ss|p%40ss/);
  });

  it("rotates both authorities, and cuts nothing", async () => {
    startAgent();
    const connections = () => server.log.split("Agent connected").length;
    const earlier = connections();
    await waitFor("the agent to be admitted", async () => connections() > earlier);
    const before = await authorities();
    const oldAgent = await PodProcess.of(
      world.managed,
      agentNamespace,
      "cluster-proxy-proxy-agent",
    );
    for (const name of ["cluster-proxy-signer", "cluster-proxy-frontend-signer"]) {
      const annotation = "proxy.open-cluster-management.io/rotate-authority=now";
      await world.hub.kubectl([
        "annotate",
        "secret",
        name,
        annotation,
        `--namespace=${addonNamespace}`,
      ]);
    }
    const disconnections = server.log.split("Agent disconnected").length;
    const reason = '.status.conditions[?(@.type=="AuthoritiesValid")].reason';
    await waitFor(
      "both to be replaced",
      async () => {
        const now = await authorities();
        const isReplaced = now.every((pem, index) => !pem.includes(before[index] ?? ""));
        const of = ["managedproxyconfiguration", "cluster-proxy", reason] as const;
        const isDone = isReplaced && (await world.field(...of)) === "Valid";
        // After the look, so that the last state is mounted too.
        await Promise.all([server.mount(), agent.mount()]);
        return isDone;
      },
      { limitMs: 180_000, everyMs: 1_000 },
    );
    // The files are looked at every ten seconds.
    await waitFor(
      "the server to take the last of them",
      async () => !(await isLetIn(agents, oldAgent, "etc/tls", "etc/agent-ca-pki/ca.crt")),
      { limitMs: 30_000, everyMs: 500 },
    );
    assert.equal(await isLetIn(agents, agent, "etc/tls", "etc/agent-ca-pki/ca.crt"), true);
    assert.equal(server.log.split("Agent disconnected").length, disconnections);
    await oldAgent[Symbol.asyncDispose]();
  });

  /** What agents and front ends are verified with. */
  async function authorities(): Promise<readonly string[]> {
    return Promise.all(
      ["agent-server-ca", "proxy-server-ca"].map(async (name) => {
        const text = await world.field("secret", name, ".data['ca\\.crt']", addonNamespace);
        return Buffer.from(text, "base64").toString();
      }),
    );
  }
});
