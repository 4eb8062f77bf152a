import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import {
  type ClusterGatewayLayout,
  clusterGatewayLayouts,
  clusterProxyPath,
  clusterSecretLabels,
  defaultClusterGatewayLayout,
  type Secret,
  secrets,
} from "#api";
import { type ProcessCluster, startProcessCluster, waitFor } from "#bed";
import { createKubeClient, type KubeClient } from "#kube";
import { createMetrics, type Metrics, silentLogger } from "#runtime";
import { createGateway, type Gateway, type GatewayOptions } from "./gateway.ts";
import {
  accountNamespace,
  gatewayUser,
  hubManifest,
  installNamespace,
  managedManifest,
  secretNamespace,
} from "./under-test/gateway-bed-manifests.ts";

/** An authority of the test kit, as much of it as the bed needs. */
interface Authority {
  readonly caPem: string;
  server(...names: readonly string[]): Promise<{ readonly cert: string; readonly key: string }>;
}

/** What a program printed, and how it ended. */
export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const soon = () => AbortSignal.timeout(20_000);

/** For integration tests: a hub that aggregates a gateway of this process, and a managed cluster. */
export class GatewayBed implements AsyncDisposable {
  readonly hub: ProcessCluster;
  readonly managed: ProcessCluster;
  readonly hubAdmin: KubeClient;
  readonly metrics: Metrics = createMetrics();
  /** The gateway's own port, without the hub in front. */
  port = 0;
  /** What the gateway serves. */
  layout: ClusterGatewayLayout = defaultClusterGatewayLayout;
  #running: { readonly stop: AbortController; readonly ended: Promise<void> } | undefined;

  private constructor(hub: ProcessCluster, managed: ProcessCluster, hubAdmin: KubeClient) {
    this.hub = hub;
    this.managed = managed;
    this.hubAdmin = hubAdmin;
  }

  /** `managedFlags` are further flags of the managed cluster's API server. */
  static async start(
    managedFlags: readonly string[] = [],
    hubOptions: { readonly controllerManager?: boolean } = {},
  ): Promise<GatewayBed> {
    const hub = await startProcessCluster({ name: "hub", manifests: [hubManifest], ...hubOptions });
    // The API server makes the storage of a new kind twice, and a watch on the first hears nothing.
    const kind = "crd/managedclusters.cluster.open-cluster-management.io";
    await hub.kubectl(["wait", "--for=condition=Established", kind]);
    await setTimeout(2000);
    const managed = await startProcessCluster({
      name: "managed1",
      manifests: [managedManifest],
      apiServer: { flags: managedFlags },
    });
    const hubAdmin = await createKubeClient({ kubeconfig: hub.kubeconfig, userAgent: "bed" });
    return new GatewayBed(hub, managed, hubAdmin);
  }

  /** A kubeconfig with the rights that the chart gives the gateway. */
  async gatewayKubeconfig(): Promise<string> {
    return this.hub.kubeconfigFor(gatewayUser);
  }

  /** Starts the gateway with the rights that the chart gives it, and registers it on the hub. */
  async startGateway(
    authority: Authority,
    options: Partial<GatewayOptions> = {},
  ): Promise<Gateway> {
    const service = `cluster-gateway.${installNamespace}.svc`;
    const pair = await authority.server(service, "localhost");
    const client = await createKubeClient({
      kubeconfig: await this.gatewayKubeconfig(),
      userAgent: "gateway",
    });
    const gateway = createGateway({
      host: "127.0.0.1",
      port: 0,
      certificate: { current: pair, onChange: () => undefined },
      client,
      secretNamespace,
      usesManagedClusters: true,
      tunnelServerName: "kubernetes.default.svc",
      managedServiceAccountName: "cluster-gateway",
      version: "v0.0.0-test",
      metrics: this.metrics,
      log: silentLogger,
      lameDuckMs: 0,
      drainMs: 500,
      ...options,
    });
    this.layout =
      options.keeping?.keptIn === "addons"
        ? clusterGatewayLayouts["gateway.open-cluster-management.io"]
        : defaultClusterGatewayLayout;
    const stop = new AbortController();
    this.#running = { stop, ended: gateway.run(stop.signal) };
    this.port = await gateway.port;
    await waitFor("the gateway", () => Promise.resolve(gateway.reasonNotReady() === undefined));
    await this.register(this.port, authority.caPem);
    return gateway;
  }

  /** Tells the hub that the API of our group is served at a port of this machine. */
  async register(port: number, caPem: string): Promise<void> {
    const spec = {
      group: this.layout.group,
      version: this.layout.version,
      groupPriorityMinimum: 5000,
      versionPriority: 10,
      service: { name: "cluster-gateway", namespace: installNamespace, port },
      caBundle: Buffer.from(caPem).toString("base64"),
    };
    await this.hub.apply(
      JSON.stringify({
        apiVersion: "apiregistration.k8s.io/v1",
        kind: "APIService",
        metadata: { name: this.layout.apiServiceName },
        spec,
      }),
    );
    await waitFor("the APIService", async () => {
      const shown = await this.hub.kubectl([
        "get",
        `apiservice/${this.layout.apiServiceName}`,
        "-o=jsonpath={.status.conditions[?(@.type=='Available')].status}",
      ]);
      return shown === "True";
    });
  }

  /** A token of the gateway's account on the managed cluster. */
  async token(): Promise<string> {
    return tokenOf(this.managed, accountNamespace, "cluster-gateway");
  }

  /** A token of a new ServiceAccount of the hub that may do all, as people use at the door. */
  async callerToken(name: string): Promise<string> {
    const path = "/api/v1/namespaces/default/serviceaccounts";
    await this.hub.api.create(path, { metadata: { name } });
    const grant = ["create", "clusterrolebinding", name, "--clusterrole=cluster-admin"];
    await this.hub.kubectl([...grant, `--serviceaccount=default:${name}`]);
    return tokenOf(this.hub, "default", name);
  }

  /** Writes the Secret of a cluster. Keys that are `undefined` are left out. */
  async writeCluster(
    name: string,
    endpointType: "Const" | "ClusterProxy",
    data: Readonly<Record<string, string | undefined>>,
    credentialType = "ServiceAccountToken",
  ): Promise<void> {
    const encoded = Object.entries(data).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, Buffer.from(value).toString("base64")] as const],
    );
    const secret: Secret = {
      metadata: {
        name,
        namespace: secretNamespace,
        labels: {
          [clusterSecretLabels.credentialType]: credentialType,
          [clusterSecretLabels.endpointType]: endpointType,
        },
      },
      type: "Opaque",
      data: Object.fromEntries(encoded),
    };
    await this.hubAdmin.apply(secrets, secret, soon(), { fieldManager: "bed" });
  }

  async managedCa(): Promise<string> {
    return readFile(this.managed.caPath, "utf8");
  }

  /** A kubeconfig of the hub whose server line leads to a managed cluster. */
  async kubeconfigThrough(cluster: string, hubKubeconfig = this.hub.kubeconfig): Promise<string> {
    const path = clusterProxyPath(this.layout, cluster);
    const written = await readFile(hubKubeconfig, "utf8");
    const file = join(this.hub.directory, `through-${cluster}-${Date.now()}.kubeconfig`);
    await writeFile(file, written.replaceAll(this.hub.server, this.hub.server + path));
    return file;
  }

  /** Runs kubectl with a kubeconfig; never throws. */
  async kubectl(kubeconfig: string, args: readonly string[], input = ""): Promise<Output> {
    const child = this.spawnKubectl(kubeconfig, args);
    child.stdin.end(input);
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close") as Promise<[number]>,
    ]);
    return { code, stdout, stderr };
  }

  /** Starts kubectl and leaves it running; the caller ends it. */
  spawnKubectl(
    kubeconfig: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ) {
    const cache = join(this.hub.directory, "kubectl-cache");
    const flags = ["--kubeconfig", kubeconfig, "--cache-dir", cache];
    const path = "/usr/local/bin:/usr/bin:/bin";
    const options = Object.keys(env).length === 0 ? {} : { env: { PATH: path, HOME: "/", ...env } };
    return spawn(this.hub.tools.path("kubectl"), [...flags, ...args], options);
  }

  async stopGateway(): Promise<void> {
    this.#running?.stop.abort();
    await this.#running?.ended;
    this.#running = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopGateway();
    await this.managed[Symbol.asyncDispose]();
    await this.hub[Symbol.asyncDispose]();
  }
}

/** A token of a ServiceAccount. */
export async function tokenOf(
  { api }: Pick<ProcessCluster, "api">,
  namespace: string,
  name: string,
): Promise<string> {
  const answer = await api.send({
    method: "POST",
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
    body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
  });
  return (answer.body as { readonly status: { readonly token: string } }).status.token;
}
