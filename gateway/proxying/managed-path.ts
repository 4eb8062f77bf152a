/** What a path on a managed cluster is about; empty for what it does not name. */
export interface ManagedPath {
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
}

const nothing: ManagedPath = {
  group: "",
  version: "",
  namespace: "",
  resource: "",
  subresource: "",
  name: "",
};

/** Reads a path as API servers do. Never throws: it serves metrics, timeouts and the audit log. */
export function readManagedPath(path: string): ManagedPath {
  const [root, ...segments] = path.split("/").filter((segment) => segment !== "");
  if (root !== "api" && root !== "apis") return nothing;
  const [group = "", version = "", ...rest] = root === "api" ? ["", ...segments] : segments;
  // The way to ask for a watch before there was a parameter for it.
  const parts = rest[0] === "watch" ? rest.slice(1) : rest;
  if (parts.length === 0) return nothing;
  return { ...nothing, group, version, ...objectOf(parts) };
}

/** What a namespace has of its own; everything else below one is in it. */
const ofNamespaces: ReadonlySet<string> = new Set(["status", "finalize"]);

function objectOf(parts: readonly string[]): Partial<ManagedPath> {
  const [resource, name, subresource] = parts;
  if (resource !== "namespaces") return object({ resource, name, subresource });
  if (subresource !== undefined && !ofNamespaces.has(subresource)) {
    return object({
      namespace: name,
      resource: subresource,
      name: parts[3],
      subresource: parts[4],
    });
  }
  return object({ namespace: name, resource, name, subresource });
}

function object(named: { readonly [Field in keyof ManagedPath]?: string | undefined }) {
  const known = Object.entries(named).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as Partial<ManagedPath>;
}

const longSubresources = new Set(["attach", "exec", "log", "portforward", "proxy"]);

/** True for requests whose answer may begin, or go on, whenever it likes. */
export function isLongRunning(path: string, query: string): boolean {
  if (longSubresources.has(readManagedPath(path).subresource)) return true;
  return isWatchQuery(query);
}

function isWatchQuery(query: string): boolean {
  if (!query.includes("watch=")) return false;
  const value = new URLSearchParams(query).get("watch");
  return value === "true" || value === "1";
}

const verbs: Readonly<Record<string, string>> = {
  GET: "get",
  HEAD: "get",
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

/**
 * The verb that the managed cluster's API server will authorize: `list`, `watch` and
 * `deletecollection` where a whole collection is meant; the method itself for what is no resource.
 */
export function managedVerb(method: string, path: string, query: string): string {
  const { resource, name } = readManagedPath(path);
  if (resource === "") return method.toLowerCase();
  const verb = verbs[method] ?? "";
  const isWatched = isWatchQuery(query) || /^\/apis?(?:\/[^/]+){1,2}\/watch\//u.test(path);
  if (verb === "get" && isWatched) return "watch";
  if (name !== "") return verb;
  if (verb === "get") return "list";
  return verb === "delete" ? "deletecollection" : verb;
}
