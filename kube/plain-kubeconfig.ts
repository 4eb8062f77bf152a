import { isAbsolute, join } from "node:path";
import { parse as parseYaml } from "yaml";

/** A certificate, key or token: as it stands in the kubeconfig, or in a file beside it. */
export type Material =
  | { readonly kind: "inline"; readonly data: Buffer }
  | { readonly kind: "file"; readonly path: string };

/** One context of a kubeconfig that holds certificates and tokens, and nothing else. */
export interface PlainKubeconfig {
  readonly server: string;
  readonly namespace: string | undefined;
  readonly serverName: string | undefined;
  readonly ca: Material | undefined;
  readonly certificate: Material | undefined;
  readonly key: Material | undefined;
  readonly token: Material | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

const clusterFields = [
  "server",
  "certificate-authority",
  "certificate-authority-data",
  "tls-server-name",
  "extensions",
];
const userFields = [
  "client-certificate",
  "client-certificate-data",
  "client-key",
  "client-key-data",
  "token",
  "tokenFile",
];

/**
 * Reads a kubeconfig of the plain kind that programs are given: by OCM, in Secrets, on test beds. The
 * context is the current one when none is named.
 * Answers undefined for one that asks for more (plugins, proxies, impersonation, unverified TLS) or
 * is not well formed: the library reads those, at the price of its memory.
 */
export function readPlainKubeconfig(
  text: string,
  directory: string,
  contextName?: string,
): PlainKubeconfig | undefined {
  const root = asFields(parse(text));
  const context = named(root, "contexts", "context", contextName ?? root["current-context"]);
  const cluster = named(root, "clusters", "cluster", context?.["cluster"]);
  const user = named(root, "users", "user", context?.["user"]);
  const server = textOf(cluster, "server");
  if (server === undefined || !hasOnly(cluster, clusterFields) || !hasOnly(user, userFields)) {
    return undefined;
  }
  return {
    server: server.replace(/\/+$/, ""),
    namespace: textOf(context, "namespace"),
    serverName: textOf(cluster, "tls-server-name"),
    ca: dataOrFile(cluster, "certificate-authority", directory),
    certificate: dataOrFile(user, "client-certificate", directory),
    key: dataOrFile(user, "client-key", directory),
    token: tokenOf(user, directory),
  };
}

function dataOrFile(
  fields: Fields | undefined,
  name: string,
  directory: string,
): Material | undefined {
  const data = textOf(fields, `${name}-data`);
  if (data !== undefined) return { kind: "inline", data: Buffer.from(data, "base64") };
  const path = textOf(fields, name);
  return path === undefined ? undefined : fileIn(directory, path);
}

/** A file is there because it is renewed: it counts before the token of the first day. */
function tokenOf(user: Fields | undefined, directory: string): Material | undefined {
  const path = textOf(user, "tokenFile");
  if (path !== undefined) return fileIn(directory, path);
  const token = textOf(user, "token");
  return token === undefined ? undefined : { kind: "inline", data: Buffer.from(token) };
}

function fileIn(directory: string, path: string): Material {
  return { kind: "file", path: isAbsolute(path) ? path : join(directory, path) };
}

/** Where a pod finds its service account. */
const podDirectory = "/var/run/secrets/kubernetes.io/serviceaccount";

/** The pod's own service account; undefined when `environment` is that of no pod. */
export function podKubeconfig(
  environment: Readonly<Record<string, string | undefined>>,
  namespace: string | undefined,
  directory = podDirectory,
): PlainKubeconfig | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  if (host === undefined || port === undefined) return undefined;
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    namespace,
    serverName: undefined,
    ca: { kind: "file", path: join(directory, "ca.crt") },
    certificate: undefined,
    key: undefined,
    token: { kind: "file", path: join(directory, "token") },
  };
}

/** The file that names the namespace of a pod. */
export function podNamespacePath(directory = podDirectory): string {
  return join(directory, "namespace");
}

function parse(text: string): unknown {
  try {
    return parseYaml(text);
  } catch {
    return undefined;
  }
}

/** The entry of a kubeconfig's list that has that name. */
function named(root: Fields, list: string, kind: string, name: unknown): Fields | undefined {
  const entries = root[list];
  if (!Array.isArray(entries) || typeof name !== "string") return undefined;
  const entry = entries.map(asFields).find((candidate) => candidate["name"] === name);
  return entry === undefined ? undefined : asFields(entry[kind]);
}

function asFields(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function textOf(fields: Fields | undefined, name: string): string | undefined {
  const value = fields?.[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** True when the fields are there, and none that we do not know. */
function hasOnly(fields: Fields | undefined, known: readonly string[]): boolean {
  return fields !== undefined && Object.keys(fields).every((name) => known.includes(name));
}
