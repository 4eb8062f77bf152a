import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serviceProxyHost, userServerClientName } from "#api";
import { waitFor } from "#bed";
import { gatewayNodeFlags } from "../../../controllers/cluster-gateway/server/pod-spec.ts";
import { tunnelNodeFlags } from "../../../controllers/cluster-proxy/node-flags.ts";
import { GatewayBed } from "../../../gateway/gateway-bed.ts";
import {
  grantManifest,
  secretNamespace,
} from "../../../gateway/under-test/gateway-bed-manifests.ts";
import { bundlePrograms } from "../../../tools/bundle.ts";
import { findFreePorts } from "../../bed/process/ports.ts";
import type { Processes } from "../process-usage.ts";
import { type BenchAuthority, type KeyKind, makeBenchAuthority } from "./bench-authority.ts";
import type { Target } from "./load.ts";
import { fillManaged, smallPath } from "./load-data.ts";
import { Programs } from "./programs.ts";
import { type SlowLink, startSlowLink } from "./slow-link.ts";

export const repository = join(import.meta.dirname, "..", "..", "..");

/** What a round trip between hub and the far cluster takes. */
export const farRoundTripMs = 50;

/** Extra arguments of `node` for the gateway, e.g. to profile it. */
const nodeArgs = (process.env["BENCH_NODE_ARGS"] ?? "").split(" ").filter((arg) => arg !== "");

/**
 * Two real API servers, and between them the gateway, the tunnel server and the agent as they are
 * shipped: bundles, each a process of its own. A second agent leads to the same managed cluster
 * over a long way.
 */
export class BenchBed implements AsyncDisposable {
  readonly bed: GatewayBed;
  readonly directory: string;
  readonly #programs: Programs;
  readonly #stack: AsyncDisposableStack;
  #targets: Readonly<Record<TargetName, Target>> | undefined;

  private constructor(bed: GatewayBed, directory: string, stack: AsyncDisposableStack) {
    this.bed = bed;
    this.directory = directory;
    this.#stack = stack;
    this.#programs = stack.use(new Programs(directory));
  }

  /** `keys` are those of our own certificates; API servers have theirs. */
  static async start(keys: KeyKind = "rsa"): Promise<BenchBed> {
    await using stack = new AsyncDisposableStack();
    const directory = await mkdtemp(join(tmpdir(), "spokeway-bench-"));
    stack.defer(async () => rm(directory, { recursive: true, force: true }));
    await mkdir(join(directory, "logs"));
    await bundlePrograms(join(repository, "cmd"), join(directory, "app"));
    await cp(join(repository, "protos"), join(directory, "app", "protos"), { recursive: true });
    const bed = stack.use(await GatewayBed.start());
    const bench = new BenchBed(bed, directory, stack.move());
    try {
      await bench.#join(await makeBenchAuthority(keys, directory));
      return bench;
    } catch (error) {
      await bench[Symbol.asyncDispose]();
      throw error;
    }
  }

  target(name: TargetName): Target {
    const target = this.#targets?.[name];
    if (target === undefined) throw new Error("The bed is not joined");
    return target;
  }

  /** All that a request costs, on either side. */
  get processes(): Processes {
    return {
      ...this.ours,
      "hub API": this.bed.hub.pid("kube-apiserver"),
      "managed API": this.bed.managed.pid("kube-apiserver"),
    };
  }

  get ours(): Processes {
    const names = ["gateway", "tunnel-server", "agent", "user-server"];
    return Object.fromEntries(names.map((name) => [name, this.#programs.pid(name)] as const));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#programs.stop("gateway");
    await this.#stack.disposeAsync();
  }

  async #join(authority: BenchAuthority): Promise<void> {
    const { bed } = this;
    const ports = await findPorts();
    const link = this.#stack.use(await startSlowLink(ports.agents, farRoundTripMs / 2));
    await this.#startTunnel(authority, ports, link);
    await this.#startGateway(authority, ports);
    await this.#startUserServer(authority, ports);
    await bed.managed.apply(grantManifest);
    const credential = { "ca.crt": await bed.managedCa(), token: await bed.token() };
    await bed.writeCluster("managed1", "ClusterProxy", credential);
    await bed.writeCluster("managed2", "ClusterProxy", credential);
    await fillManaged(bed.managed.api);
    this.#targets = await this.#makeTargets(ports, credential.token);
    await bed.register(ports.gateway, authority.caPem);
    for (const path of ["managed1", "managed2"].map((name) => proxyPath(name) + smallPath)) {
      await waitFor("the way to the cluster", async () => {
        this.#programs.pid("agent");
        return (await bed.hub.api.send({ path })).status === 200;
      });
    }
  }

  async #startTunnel(authority: BenchAuthority, ports: Ports, link: SlowLink): Promise<void> {
    const server = await this.#pair("server", await authority.server("localhost"));
    await writeFile(join(this.directory, "ca.crt"), authority.caPem);
    this.#programs.start({
      name: "tunnel-server",
      args: [
        ...tunnelNodeFlags,
        ...nodeArgs,
        "app/tunnel-server.mjs",
        ...["server", "cluster"].flatMap((side) => [
          `--${side}-cert=${server.cert}`,
          `--${side}-key=${server.key}`,
          `--${side}-ca-cert=ca.crt`,
        ]),
        `--server-port=${ports.frontends}`,
        `--agent-port=${ports.agents}`,
        `--health-port=${ports.health}`,
        `--admin-port=${ports.admin}`,
        "--proxy-strategies=destHost",
      ],
    });
    await this.#startAgents(authority, ports, link);
  }

  async #startAgents(authority: BenchAuthority, ports: Ports, link: SlowLink): Promise<void> {
    const host = serviceProxyHost("managed1");
    const agent = await this.#pair("agent", await authority.peer("agent", host));
    const common = [`--agent-cert=${agent.cert}`, `--agent-key=${agent.key}`, "--ca-cert=ca.crt"];
    const near = {
      name: "agent",
      cluster: "managed1",
      port: ports.agents,
      health: ports.agentHealth,
    };
    const far = {
      name: "far-agent",
      cluster: "managed2",
      port: link.port,
      health: ports.farHealth,
    };
    for (const { name, cluster, port, health } of [near, far]) {
      const [healthPort = 0, adminPort = 0] = health;
      this.#programs.start({
        name,
        args: [
          ...tunnelNodeFlags,
          ...nodeArgs,
          `--import=${join(import.meta.dirname, "managed-address.ts")}`,
          "app/agent.mjs",
          "tunnel",
          ...common,
          "--proxy-server-host=localhost",
          `--proxy-server-port=${port}`,
          `--agent-identifiers=host=${cluster}${name === "agent" ? `&host=${host}` : ""}`,
          ...(name === "agent" ? this.#serviceProxyFlags() : []),
          `--health-server-port=${healthPort}`,
          `--admin-server-port=${adminPort}`,
        ],
        env: { BENCH_API_SERVER_PORT: new URL(this.bed.managed.server).port },
      });
    }
  }

  /** Callers come with tokens of the managed cluster, so the agent needs no account of its own. */
  #serviceProxyFlags(): readonly string[] {
    return [
      `--kubeconfig=${this.bed.managed.kubeconfig}`,
      "--cluster-name=managed1",
      "--enable-service-proxy",
      "--service-proxy-client-ca=ca.crt",
    ];
  }

  async #startUserServer(authority: BenchAuthority, ports: Ports): Promise<void> {
    const serving = await this.#pair("user", await authority.server("localhost"));
    const own = await this.#pair("own", await authority.client(userServerClientName));
    this.#programs.start({
      name: "user-server",
      args: [
        ...tunnelNodeFlags,
        ...nodeArgs,
        "app/user-server.mjs",
        `--kubeconfig=${this.bed.hub.kubeconfig}`,
        "--host=localhost",
        `--port=${ports.frontends}`,
        "--proxy-ca-cert=ca.crt",
        `--proxy-cert=${own.cert}`,
        `--proxy-key=${own.key}`,
        `--server-cert=${serving.cert}`,
        `--server-key=${serving.key}`,
        `--server-port=${ports.user}`,
        "--service-proxy-ca-cert=ca.crt",
        `--service-proxy-client-cert=${own.cert}`,
        `--service-proxy-client-key=${own.key}`,
        `--health-port=${ports.userHealth}`,
      ],
      env: { POD_NAMESPACE: "default" },
    });
    const manifest = {
      apiVersion: "cluster.open-cluster-management.io/v1",
      kind: "ManagedCluster",
      metadata: { name: "managed1" },
      spec: { hubAcceptsClient: true },
    };
    await this.bed.hub.apply(JSON.stringify(manifest));
  }

  async #startGateway(authority: BenchAuthority, ports: Ports): Promise<void> {
    const service = "cluster-gateway.vela-system.svc";
    const serving = await this.#pair("gateway", await authority.server(service, "localhost"));
    const client = await this.#pair("client", await authority.client("gateway"));
    this.#programs.start({
      name: "gateway",
      args: [
        ...gatewayNodeFlags,
        ...nodeArgs,
        "app/gateway.mjs",
        `--secure-port=${ports.gateway}`,
        `--kubeconfig=${await this.bed.gatewayKubeconfig()}`,
        `--secret-namespace=${secretNamespace}`,
        "--ocm-integration=true",
        `--tls-cert-file=${serving.cert}`,
        `--tls-private-key-file=${serving.key}`,
        "--proxy-host=localhost",
        `--proxy-port=${ports.frontends}`,
        "--proxy-ca-cert=ca.crt",
        `--proxy-cert=${client.cert}`,
        `--proxy-key=${client.key}`,
      ],
    });
  }

  async #makeTargets(ports: Ports, token: string) {
    const { hub, managed } = this.bed;
    const hubToken = await adminToken(hub);
    const roads = {
      hub: { url: hub.server, token: hubToken, caFile: hub.caPath },
      door: {
        url: `https://localhost:${ports.gateway}`,
        token: hubToken,
        caFile: join(this.directory, "ca.crt"),
      },
    };
    return {
      direct: { name: "direct", url: managed.server, token, caFile: managed.caPath },
      hub: { ...roads.hub, name: "hub", url: roads.hub.url + proxyPath("managed1") },
      door: { ...roads.door, name: "door", url: roads.door.url + proxyPath("managed1") },
      far: { ...roads.door, name: "far", url: roads.door.url + proxyPath("managed2") },
      user: {
        name: "user",
        url: `https://localhost:${ports.user}/managed1`,
        token,
        caFile: join(this.directory, "ca.crt"),
      },
    };
  }

  async #pair(name: string, { cert, key }: { readonly cert: string; readonly key: string }) {
    const files = {
      cert: join(this.directory, `${name}.crt`),
      key: join(this.directory, `${name}.key`),
    };
    await writeFile(files.cert, cert);
    await writeFile(files.key, key, { mode: 0o600 });
    return files;
  }
}

export type TargetName = "direct" | "hub" | "door" | "far" | "user";

function proxyPath(cluster: string): string {
  return `/apis/cluster.core.oam.dev/v1alpha1/clustergateways/${cluster}/proxy`;
}

type Ports = Awaited<ReturnType<typeof findPorts>>;

async function findPorts() {
  const [gateway, frontends, agents, health, admin, user, userHealth, ...rest] =
    await findFreePorts(11);
  return {
    gateway,
    frontends,
    agents,
    health,
    admin,
    user,
    userHealth,
    agentHealth: rest.slice(0, 2),
    farHealth: rest.slice(2),
  };
}

const binding = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: bench, namespace: default}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: bench}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: bench, namespace: default}]
`;

/** A token of the hub for someone who is no system:masters, so that everything is really asked. */
async function adminToken(hub: GatewayBed["hub"]): Promise<string> {
  await hub.apply(binding);
  const { body } = await hub.api.send({
    method: "POST",
    path: "/api/v1/namespaces/default/serviceaccounts/bench/token",
    body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
  });
  return (body as { readonly status: { readonly token: string } }).status.token;
}
