import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { BedError } from "../bed-error.ts";
import {
  type CertificateRequest,
  makeCertificate,
  makeClusterCertificates,
} from "../certificates.ts";
import { ClusterApi } from "../cluster-api.ts";
import { applyManifests, type ClusterHandle, kubectl } from "../cluster-handle.ts";
import {
  type ClusterPlan,
  certificatePath,
  keyPath,
  kubeconfigPath,
  type Program,
  pkiDirectory,
  serverUrl,
} from "../cluster-plan.ts";
import { controllerManager } from "../components/controller-manager.ts";
import { etcd } from "../components/etcd.ts";
import { type ApiServerOptions, kubeApiServer } from "../components/kube-apiserver.ts";
import { writeKubeconfig } from "../kubeconfig.ts";
import { processTools } from "../tool-modules.ts";
import { findTools, type Tools } from "../toolchain.ts";
import { waitFor } from "../wait.ts";
import { findFreePorts } from "./ports.ts";
import { ProcessHost } from "./process-host.ts";

/** What a cluster of processes is made of. */
export interface ProcessClusterOptions {
  /** Appears in names of files and authorities. */
  readonly name: string;
  /** Whether controllers run: signers, namespaces, garbage collection, … Defaults to `false`. */
  readonly controllerManager?: boolean;
  /** Manifests (YAML) applied before the cluster is handed over, such as CRDs. */
  readonly manifests?: readonly string[];
  readonly apiServer?: ApiServerOptions;
}

/**
 * A real Kubernetes API on loopback: etcd, kube-apiserver and, where asked for,
 * kube-controller-manager. There is no node, so Deployments never get ready and a Service leads
 * nowhere, except one of type `ExternalName` that names `localhost`: the aggregation layer
 * follows it, on the port that the APIService names.
 */
export class ProcessCluster implements ClusterHandle, AsyncDisposable {
  readonly name: string;
  readonly plan: ClusterPlan;
  readonly tools: Tools;
  readonly api: ClusterApi;
  /** `https://127.0.0.1:PORT`. */
  readonly server: string;
  readonly kubeconfig: string;
  readonly #host: ProcessHost;
  readonly #ports = new Map<string, number>();

  constructor(plan: ClusterPlan, tools: Tools, api: ClusterApi, host: ProcessHost) {
    this.name = plan.name;
    this.plan = plan;
    this.tools = tools;
    this.api = api;
    this.server = serverUrl(plan);
    this.kubeconfig = kubeconfigPath(plan, "admin");
    this.#host = host;
  }

  /** Files of the cluster; all of it goes when the cluster is disposed of. */
  get directory(): string {
    return this.plan.directory;
  }

  /** The authority of the API server's certificate and of client certificates. */
  get caPath(): string {
    return certificatePath(this.plan, "ca");
  }

  /** The authority that signs the aggregation layer's client certificate. */
  get frontProxyCaPath(): string {
    return certificatePath(this.plan, "front-proxy-ca");
  }

  /** Keys and certificates: `ca`, `front-proxy-ca`, `admin`, `front-proxy`, …, each `.crt` and `.key`. */
  get pkiDirectory(): string {
    return pkiDirectory(this.plan);
  }

  async start(program: Program): Promise<void> {
    this.#host.start(program);
    await this.#host.assertRunning();
  }

  /** Kills one program, such as `kube-apiserver`, as if its machine had failed. */
  async stop(program: string): Promise<void> {
    await this.#host.stop(program);
  }

  /** The process of one program, such as `kube-apiserver`. */
  pid(program: string): number {
    return this.#host.pid(program);
  }

  /** Starts one program again, killed before if it runs. Does not wait until it is ready. */
  async restart(program: string): Promise<void> {
    await this.#host.restart(program);
  }

  /** Waits until the API server answers that it is ready. */
  async ready(signal?: AbortSignal): Promise<void> {
    await waitFor(`the API server of ${this.name}`, async () => this.#isReady(), { signal });
  }

  async loopbackPort(program: string): Promise<number> {
    const known = this.#ports.get(program);
    if (known !== undefined) return known;
    const [port] = await findFreePorts(1);
    this.#ports.set(program, port);
    return port;
  }

  /** Runs kubectl as the admin and returns what it printed. */
  async kubectl(args: readonly string[], input?: string): Promise<string> {
    return kubectl(this, args, input);
  }

  /** Applies manifests, given as YAML. */
  async apply(yaml: string): Promise<void> {
    await applyManifests(this, yaml);
  }

  /** Makes a client certificate and returns the path of a kubeconfig that uses it. */
  async kubeconfigFor(user: string, groups: readonly string[] = []): Promise<string> {
    const name = `client-${user.replaceAll(/[^a-z0-9-]/gu, "-")}`;
    const request: CertificateRequest = { name, authority: "ca", commonName: user, groups };
    await makeCertificate(this.plan, request);
    const path = kubeconfigPath(this.plan, name);
    await writeKubeconfig(this.plan, path, this.server, name);
    return path;
  }

  /**
   * Makes a serving certificate that {@link caPath} vouches for, with names as OpenSSL writes
   * them (`DNS:web.default.svc`), and returns the paths of it and of its key.
   */
  async servingCertificate(
    name: string,
    names: readonly string[],
  ): Promise<{ readonly certificate: string; readonly key: string }> {
    await makeCertificate(this.plan, { name, authority: "ca", commonName: name, names });
    return { certificate: certificatePath(this.plan, name), key: keyPath(this.plan, name) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.api.close();
    await this.#host[Symbol.asyncDispose]();
  }

  async #isReady(): Promise<boolean> {
    await this.#host.assertRunning();
    return this.api.isReady();
  }
}

const startTries = 3;

/**
 * Starts a cluster of processes and waits until its API server is ready and its manifests are
 * applied. Needs no root. Throws a `tools` error where the programs have not been built.
 */
export async function startProcessCluster(
  options: ProcessClusterOptions,
  signal?: AbortSignal,
): Promise<ProcessCluster> {
  const tools = await findTools(processTools);
  for (let tried = 1; ; tried += 1) {
    try {
      return await tryToStart(options, tools, signal);
    } catch (error) {
      // A port that was free a moment ago may have been taken since.
      if (!(error instanceof BedError && error.code === "ended") || tried === startTries)
        throw error;
    }
  }
}

async function tryToStart(
  options: ProcessClusterOptions,
  tools: Tools,
  signal: AbortSignal | undefined,
): Promise<ProcessCluster> {
  const host = await ProcessHost.create(options.name);
  try {
    const plan = await planProcessCluster(options.name, host.directory);
    await makeClusterCertificates(plan);
    await writeKubeconfigs(plan);
    const api = await ClusterApi.asAdmin(plan, serverUrl(plan));
    const cluster = new ProcessCluster(plan, tools, api, host);
    host.start(etcd(plan, tools));
    host.start(kubeApiServer(plan, tools, options.apiServer));
    await cluster.ready(signal);
    if (options.controllerManager === true) await startControllers(cluster, signal);
    for (const manifest of options.manifests ?? []) await cluster.apply(manifest);
    return cluster;
  } catch (error) {
    await host[Symbol.asyncDispose]();
    throw error;
  }
}

async function planProcessCluster(name: string, directory: string): Promise<ClusterPlan> {
  const [apiServerPort, etcdClientPort, etcdPeerPort] = await findFreePorts(3);
  return {
    name,
    directory,
    node: undefined,
    addresses: {
      apiServer: "127.0.0.1",
      apiServerPort,
      etcdClientPort,
      etcdPeerPort,
      services: "10.255.0.0/24",
      kubernetesService: "10.255.0.1",
    },
  };
}

async function writeKubeconfigs(plan: ClusterPlan): Promise<void> {
  await mkdir(join(plan.directory, "kubectl-cache"), { recursive: true });
  for (const identity of ["admin", "controller-manager"]) {
    await writeKubeconfig(plan, kubeconfigPath(plan, identity), serverUrl(plan), identity);
  }
}

/** The default service account is the last thing that a fresh namespace gets. */
async function startControllers(
  cluster: ProcessCluster,
  signal: AbortSignal | undefined,
): Promise<void> {
  await cluster.start(controllerManager(cluster.plan, cluster.tools));
  const path = "/api/v1/namespaces/default/serviceaccounts/default";
  await waitFor(
    `the controllers of ${cluster.name}`,
    async () => (await cluster.api.find(path)) !== undefined,
    { signal },
  );
}
