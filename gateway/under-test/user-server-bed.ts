import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { serviceProxyHost, userServerClientName } from "#api";
import { ChildProgram, findFreePorts, waitFor } from "#bed";
import type { AuditEvent } from "../audit/audit-event.ts";
import { GatewayBed } from "../gateway-bed.ts";
import { Issuer } from "./issuer.ts";
import {
  agentNamespace,
  hubManifest,
  hubNamespace,
  managedManifest,
  userServerUser,
} from "./user-server-manifests.ts";
import { startWatchedApi } from "./watched-api.ts";

/** An authority of the test kit, as much of it as this bed needs. */
interface Authority {
  readonly caPem: string;
  server(...names: readonly string[]): Promise<Pair>;
  client(commonName: string): Promise<Pair>;
  peer(commonName: string, ...names: readonly string[]): Promise<Pair>;
}

interface Pair {
  readonly cert: string;
  readonly key: string;
}

const program = (name: string) => new URL(`../../cmd/${name}.ts`, import.meta.url).pathname;

/** Files of one certificate. */
interface PairFiles {
  readonly cert: string;
  readonly key: string;
}

/**
 * For integration tests: two API servers, and the tunnel server, the agent with its service proxy
 * and the user server as processes of their own. What the managed API server is sent is seen.
 */
export class UserServerBed implements AsyncDisposable {
  readonly clusters: GatewayBed;
  readonly frontends: Authority;
  /** Whose tokens the user server accepts, with the claims `email` and `groups`. */
  readonly issuer: Issuer;
  /** Fields of each request that reached the managed API server from the agent. */
  readonly sent: Record<string, string>[] = [];
  port = 0;
  frontendPort = 0;
  agentHealthPort = 0;
  readonly #agents: Authority;
  readonly #stack = new AsyncDisposableStack();
  readonly #programs: ChildProgram[] = [];

  private constructor(
    clusters: GatewayBed,
    issuer: Issuer,
    authorities: Readonly<Record<"frontends" | "agents", Authority>>,
  ) {
    this.clusters = clusters;
    this.issuer = issuer;
    this.frontends = authorities.frontends;
    this.#agents = authorities.agents;
    this.#stack.use(clusters);
    this.#stack.use(issuer);
  }

  static async start(
    frontends: Authority,
    agents: Authority,
    exposed: { readonly hub: string; readonly managed: string; readonly caPem: string },
  ): Promise<UserServerBed> {
    const clusters = await GatewayBed.start();
    const issuer = await Issuer.start(await frontends.server("localhost"));
    const bed = new UserServerBed(clusters, issuer, { frontends, agents });
    try {
      await clusters.hub.apply(hubManifest);
      await clusters.managed.apply(managedManifest);
      await bed.expose(exposed.hub);
      await bed.#startAll(exposed);
      return bed;
    } catch (error) {
      await bed[Symbol.asyncDispose]();
      throw error;
    }
  }

  get agentsCa(): string {
    return this.#agents.caPem;
  }

  /** Writes the hub's list of Services. */
  async expose(list: string): Promise<void> {
    await this.clusters.hub.apply(
      JSON.stringify({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "cluster-proxy-exposed-services", namespace: hubNamespace },
        data: { "services.yaml": list },
      }),
    );
  }

  /** A token of a ServiceAccount in namespace `default`, made if need be. */
  async token(
    cluster: "hub" | "managed",
    account: string,
    audiences?: readonly string[],
  ): Promise<string> {
    const at = this.clusters[cluster];
    await at.apply(
      JSON.stringify({
        apiVersion: "v1",
        kind: "ServiceAccount",
        metadata: { name: account, namespace: "default" },
      }),
    );
    const { body } = await at.api.send({
      method: "POST",
      path: `/api/v1/namespaces/default/serviceaccounts/${account}/token`,
      body: {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenRequest",
        spec: audiences === undefined ? {} : { audiences },
      },
    });
    return (body as { readonly status: { readonly token: string } }).status.token;
  }

  /** All that the programs have written. */
  get output(): string {
    return this.#programs.map(({ output }) => output).join("\n");
  }

  /** All that the user server has recorded. */
  async audited(): Promise<readonly AuditEvent[]> {
    const lines = (await readFile(this.#auditLog, "utf8")).split("\n");
    // The last one may not be there as a whole.
    return lines.slice(0, -1).map((line) => JSON.parse(line) as AuditEvent);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  get #auditLog(): string {
    return join(this.clusters.hub.directory, "user-server-audit.log");
  }

  async #startAll(exposed: Exposed): Promise<void> {
    const [agentPort, frontendPort, userPort, ...rest] = await findFreePorts(9);
    this.port = userPort;
    this.frontendPort = frontendPort;
    const [serverHealth, serverAdmin, agentHealth, agentAdmin, userHealth] = rest;
    this.agentHealthPort = agentHealth;
    const ca = {
      frontends: await this.#file("frontends.crt", this.frontends.caPem),
      agents: await this.#file("agents.crt", this.#agents.caPem),
    };
    await this.#startServer(ca, [
      `--server-port=${frontendPort}`,
      `--agent-port=${agentPort}`,
      `--health-port=${serverHealth}`,
      `--admin-port=${serverAdmin}`,
    ]);
    await this.#startAgent(ca, exposed, [
      `--proxy-server-port=${agentPort}`,
      `--health-server-port=${agentHealth}`,
      `--admin-server-port=${agentAdmin}`,
    ]);
    await this.#startUserServer(ca, [
      `--oidc-issuer-url=${this.issuer.url}`,
      `--oidc-ca-file=${ca.frontends}`,
      "--oidc-client-id=hub",
      "--oidc-signing-algs=ES256",
      "--oidc-username-claim=email",
      "--oidc-groups-claim=groups",
      `--audit-log-path=${this.#auditLog}`,
      `--port=${frontendPort}`,
      `--server-port=${userPort}`,
      `--health-port=${userHealth}`,
    ]);
    await this.#ready(agentHealth, userHealth);
  }

  async #ready(...ports: readonly (number | undefined)[]): Promise<void> {
    await waitFor("the programs to be ready", async () => {
      for (const one of this.#programs) one.throwIfEnded();
      const answers = ports.map(async (port) => fetch(`http://127.0.0.1:${port}/readyz`));
      return (await Promise.all(answers)).every(({ ok }) => ok);
    });
  }

  async #startServer(ca: Cas, ports: readonly string[]): Promise<void> {
    const names = ["localhost", "127.0.0.1"];
    const front = await this.#pair("server", await this.frontends.server(...names));
    const back = await this.#pair("agent-server", await this.#agents.server(...names));
    this.#start("tunnel-server", [
      "--proxy-strategies=destHost",
      "--agent-identity=certificate",
      `--server-ca-cert=${ca.frontends}`,
      `--server-cert=${front.cert}`,
      `--server-key=${front.key}`,
      `--cluster-ca-cert=${ca.agents}`,
      `--cluster-cert=${back.cert}`,
      `--cluster-key=${back.key}`,
      ...ports,
    ]);
  }

  async #startAgent(ca: Cas, exposed: Exposed, ports: readonly string[]): Promise<void> {
    const host = serviceProxyHost("managed1");
    const pair = await this.#pair("agent", await this.#agents.peer("agent", "managed1", host));
    this.#start(
      "agent",
      [
        "tunnel",
        "--proxy-server-host=localhost",
        `--agent-identifiers=host=managed1&host=${host}`,
        `--ca-cert=${ca.agents}`,
        `--agent-cert=${pair.cert}`,
        `--agent-key=${pair.key}`,
        `--kubeconfig=${await this.#agentKubeconfig()}`,
        "--cluster-name=managed1",
        "--enable-service-proxy",
        `--service-proxy-client-ca=${ca.frontends}`,
        `--exposed-services-file=${await this.#file("exposed.yaml", exposed.managed)}`,
        `--additional-service-ca=${await this.#file("services.crt", exposed.caPem)}`,
        // Services of this bed are on this machine.
        "--allow-target-networks=127.0.0.0/8",
        ...ports,
      ],
      [`--import=${new URL("service-names.ts", import.meta.url).pathname}`],
    );
  }

  async #startUserServer(ca: Cas, ports: readonly string[]): Promise<void> {
    const serving = await this.#pair("user", await this.frontends.server("localhost"));
    const tunnel = await this.#pair("client", await this.frontends.client("proxy-client"));
    const own = await this.#pair("own", await this.frontends.client(userServerClientName));
    this.#start("user-server", [
      `--kubeconfig=${await this.clusters.hub.kubeconfigFor(userServerUser)}`,
      "--host=localhost",
      `--proxy-ca-cert=${ca.frontends}`,
      `--proxy-cert=${tunnel.cert}`,
      `--proxy-key=${tunnel.key}`,
      `--server-cert=${serving.cert}`,
      `--server-key=${serving.key}`,
      `--service-proxy-ca-cert=${ca.agents}`,
      `--service-proxy-client-cert=${own.cert}`,
      `--service-proxy-client-key=${own.key}`,
      "--min-drain-duration=0s",
      "--drain-timeout=1s",
      // What a test changes is to count at once.
      "--authentication-token-webhook-cache-ttl=1s",
      ...ports,
    ]);
  }

  #start(name: string, args: readonly string[], nodeArgs: readonly string[] = []): void {
    const env = { POD_NAMESPACE: name === "user-server" ? hubNamespace : "" };
    const child = ChildProgram.start([...nodeArgs, program(name), ...args], env);
    this.#programs.push(child);
    this.#stack.use(child);
  }

  /** The agent's own account, at an API server that shows what it is sent. */
  async #agentKubeconfig(): Promise<string> {
    const { managed } = this.clusters;
    const { body } = await managed.api.send({
      method: "POST",
      path: `/api/v1/namespaces/${agentNamespace}/serviceaccounts/cluster-proxy/token`,
      body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
    });
    const { token } = (body as { readonly status: { readonly token: string } }).status;
    const port = await this.#startWatchedApi();
    return this.#file(
      "agent.kubeconfig",
      JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        "current-context": "agent",
        contexts: [{ name: "agent", context: { cluster: "managed1", user: "agent" } }],
        clusters: [
          {
            name: "managed1",
            cluster: {
              server: `https://localhost:${port}`,
              "certificate-authority": managed.caPath,
            },
          },
        ],
        users: [{ name: "agent", user: { token } }],
      }),
    );
  }

  async #startWatchedApi(): Promise<number> {
    const { managed } = this.clusters;
    const pair = await managed.servingCertificate("watched", ["DNS:localhost"]);
    const watched = await startWatchedApi({
      server: managed.server,
      caPem: await readFile(managed.caPath, "utf8"),
      cert: await readFile(pair.certificate),
      key: await readFile(pair.key),
      onRequest: (fields) => void this.sent.push(fields),
    });
    this.#stack.use(watched);
    return watched.port;
  }

  async #pair(name: string, { cert, key }: Pair): Promise<PairFiles> {
    return {
      cert: await this.#file(`${name}.crt`, cert),
      key: await this.#file(`${name}.key`, key),
    };
  }

  async #file(name: string, text: string): Promise<string> {
    const path = join(this.clusters.hub.directory, `services-${name}`);
    await writeFile(path, text, { mode: 0o600 });
    return path;
  }
}

interface Exposed {
  readonly managed: string;
  readonly caPem: string;
}

type Cas = Readonly<Record<"frontends" | "agents", string>>;
