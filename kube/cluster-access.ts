import { readFile } from "node:fs/promises";
import { Agent, type RequestOptions } from "node:https";
import { dirname } from "node:path";
import type { ProxyChooser } from "#runtime";
import {
  type Material,
  type PlainKubeconfig,
  podKubeconfig,
  podNamespacePath,
  readPlainKubeconfig,
} from "./plain-kubeconfig.ts";
import { ProxyingAgent } from "./proxying-agent.ts";

/** Where an API server is and how to be let in. Credentials are those of this moment. */
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
  /** A kubeconfig file. Without it: the pod's own service account. */
  readonly kubeconfig?: string | undefined;
  /** Context of that kubeconfig. Without it: its current one. */
  readonly context?: string | undefined;
  /** Which connections take a proxy; none does without it. */
  readonly chooseProxy?: ProxyChooser | undefined;
  /** The process's environment, which tells a pod where its API server is. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
}

/** How long a look at kubeconfig, certificates and tokens counts. */
const recheckMs = 5_000;

/**
 * Access from a kubeconfig file, or from inside a pod. Client certificates, exec plugins and token
 * files work as for kubectl, and may be exchanged at any time. Throws when the kubeconfig cannot be
 * read or names no server.
 */
export async function loadClusterAccess(
  options: ClusterAccessOptions = {},
): Promise<ClusterAccess> {
  let current = await load(options, undefined);
  let checkedAt = performance.now();
  // One pool for all: it tells connections apart by their certificates.
  const { chooseProxy } = options;
  const pool = { keepAlive: true };
  const agent = chooseProxy === undefined ? new Agent(pool) : new ProxyingAgent(chooseProxy, pool);
  const refresh = async (): Promise<Loaded> => {
    if (performance.now() - checkedAt < recheckMs) return current;
    checkedAt = performance.now();
    // A half-written or missing file keeps what was loaded before.
    current = await load(options, current).catch(() => current);
    return current;
  };
  return {
    get server() {
      return current.server;
    },
    get namespace() {
      return current.namespace;
    },
    async requestOptions() {
      const loaded = await refresh();
      const found = await loaded.requestOptions();
      return loaded.isProxied ? found : { ...found, agent };
    },
    async caBundle() {
      return (await refresh()).caBundle();
    },
  };
}

/** What one look has found. */
interface Loaded {
  /** The kubeconfig as it was read. */
  readonly text: string;
  readonly server: string;
  readonly namespace: string | undefined;
  /** True when connections go through a proxy, which brings an agent of its own. */
  readonly isProxied: boolean;
  /** True when nothing but a changed kubeconfig makes another look worth while. */
  readonly followsFiles: boolean;
  requestOptions(): Promise<RequestOptions>;
  caBundle(): Promise<Buffer | undefined>;
}

async function load(
  { kubeconfig, context, environment = {} }: ClusterAccessOptions,
  before: Loaded | undefined,
): Promise<Loaded> {
  const text = kubeconfig === undefined ? "" : await readFile(kubeconfig, "utf8");
  if (before?.followsFiles === true && before.text === text) return before;
  const plain =
    kubeconfig === undefined
      ? podKubeconfig(environment, await readText(podNamespacePath()))
      : readPlainKubeconfig(text, dirname(kubeconfig), context);
  return plain === undefined ? loadByLibrary(text, kubeconfig, context) : loadPlain(plain, text);
}

/** Reads certificates and token now, so that those of one look belong together. */
async function loadPlain(plain: PlainKubeconfig, text: string): Promise<Loaded> {
  const { server, namespace, serverName: servername } = plain;
  const [ca, cert, key, token] = await Promise.all(
    [plain.ca, plain.certificate, plain.key, plain.token].map(readMaterial),
  );
  const options: RequestOptions = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(servername === undefined ? {} : { servername }),
    ...(token === undefined
      ? {}
      : { headers: { Authorization: `Bearer ${token.toString().trim()}` } }),
  };
  return {
    text,
    server,
    namespace,
    isProxied: false,
    followsFiles: false,
    requestOptions: async () => options,
    caBundle: async () => ca,
  };
}

/** The library knows every kind of kubeconfig. It is loaded only for those that need it. */
async function loadByLibrary(
  text: string,
  kubeconfig: string | undefined,
  context: string | undefined,
): Promise<Loaded> {
  const { KubeConfig } = await import("@kubernetes/client-node/dist/config.js");
  const config = new KubeConfig();
  if (kubeconfig === undefined) config.loadFromCluster();
  else config.loadFromFile(kubeconfig);
  if (context !== undefined) config.setCurrentContext(context);
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    const where = kubeconfig ?? "of the pod";
    const what = context === undefined ? "its current context" : `its context ${context}`;
    throw new Error(`Cannot use kubeconfig ${where}: ${what} names no cluster`);
  }
  return {
    text,
    server: cluster.server.replace(/\/+$/, ""),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace,
    isProxied: cluster.proxyUrl !== undefined,
    followsFiles: true,
    async requestOptions() {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      return options;
    },
    async caBundle() {
      if (cluster.caData !== undefined) return Buffer.from(cluster.caData, "base64");
      return cluster.caFile === undefined ? undefined : readFile(cluster.caFile);
    },
  };
}

async function readMaterial(material: Material | undefined): Promise<Buffer | undefined> {
  if (material === undefined) return undefined;
  return material.kind === "inline" ? material.data : readFile(material.path);
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch {
    // Outside of a pod there is none.
    return undefined;
  }
}
