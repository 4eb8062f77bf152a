import { readFile } from "node:fs/promises";
import { Agent, type RequestOptions } from "node:https";
import { KubeConfig } from "@kubernetes/client-node/dist/config.js";

/** Where an API server is and how to be let in. Credentials are looked up for each request. */
export interface ClusterAccess {
  /** Base URL of the API server, without a trailing slash. */
  readonly server: string;
  /** The namespace of the kubeconfig's context, or of the pod we run in. */
  readonly namespace: string | undefined;
  /** Options for `https.request`, with the credentials of this moment. */
  requestOptions(): Promise<RequestOptions>;
  /** What the server's certificate must chain to, as PEM; undefined for the system's own list. */
  caBundle(): Promise<Buffer | undefined>;
}

export interface ClusterAccessOptions {
  /** A kubeconfig file; re-read when it changes. Without it: the pod's own service account. */
  readonly kubeconfig?: string | undefined;
}

/** How long a look at the kubeconfig file counts. */
const recheckMs = 5_000;

/**
 * Access from a kubeconfig file, or from inside a pod. Client certificates, exec plugins and token
 * files work as for kubectl. Throws when the kubeconfig cannot be read or names no server.
 */
export async function loadClusterAccess({
  kubeconfig,
}: ClusterAccessOptions = {}): Promise<ClusterAccess> {
  let current = await load(kubeconfig);
  let checkedAt = Date.now();
  // The library's own agent keeps the first client certificate for ever; ours takes each request's.
  const agent = new Agent({ keepAlive: true });
  const refresh = async (): Promise<void> => {
    if (kubeconfig === undefined || Date.now() - checkedAt < recheckMs) return;
    checkedAt = Date.now();
    current = await reload(kubeconfig, current);
  };
  return {
    get server() {
      return serverOf(current.config);
    },
    get namespace() {
      return namespaceOf(current.config);
    },
    async requestOptions() {
      await refresh();
      const options: RequestOptions = {};
      await current.config.applyToHTTPSOptions(options);
      if (current.config.getCurrentCluster()?.proxyUrl === undefined) options.agent = agent;
      return options;
    },
    async caBundle() {
      await refresh();
      const { caData, caFile } = current.config.getCurrentCluster() ?? {};
      if (caData !== undefined) return Buffer.from(caData, "base64");
      return caFile === undefined ? undefined : readFile(caFile);
    },
  };
}

interface Loaded {
  readonly config: KubeConfig;
  readonly text: string;
}

async function load(kubeconfig: string | undefined): Promise<Loaded> {
  const config = new KubeConfig();
  if (kubeconfig === undefined) {
    config.loadFromCluster();
    return { config, text: "" };
  }
  const text = await readFile(kubeconfig, "utf8");
  config.loadFromFile(kubeconfig);
  if (config.getCurrentCluster() === null) {
    throw new Error(`Cannot use kubeconfig ${kubeconfig}: its current context names no cluster`);
  }
  return { config, text };
}

/** A half-written or missing file keeps what was loaded before. */
async function reload(kubeconfig: string, current: Loaded): Promise<Loaded> {
  try {
    const text = await readFile(kubeconfig, "utf8");
    return text === current.text ? current : await load(kubeconfig);
  } catch {
    return current;
  }
}

function serverOf(config: KubeConfig): string {
  return (config.getCurrentCluster()?.server ?? "").replace(/\/+$/, "");
}

function namespaceOf(config: KubeConfig): string | undefined {
  return config.getContextObject(config.getCurrentContext())?.namespace;
}
