/** What a path on a managed cluster is about; empty for paths that are no resource. */
export interface ManagedPath {
  readonly resource: string;
  readonly subresource: string;
}

const nothing: ManagedPath = { resource: "", subresource: "" };

/** Reads a path as API servers do. Never throws: it serves metrics and timeouts, not access. */
export function readManagedPath(path: string): ManagedPath {
  const parts = afterVersion(path.split("/").filter((segment) => segment !== ""));
  const [first, , third = "", , fifth = ""] = parts;
  if (first === undefined) return nothing;
  if (first !== "namespaces" || third === "") return { resource: first, subresource: third };
  const isOfNamespace = third === "status" || third === "finalize";
  return isOfNamespace
    ? { resource: first, subresource: third }
    : { resource: third, subresource: fifth };
}

function afterVersion([root, ...rest]: readonly string[]): readonly string[] {
  if (root === "api") return rest.slice(1);
  return root === "apis" ? rest.slice(2) : [];
}

const longSubresources = new Set(["attach", "exec", "log", "portforward", "proxy"]);

/** True for requests whose answer may begin, or go on, whenever it likes. */
export function isLongRunning(path: string, query: string): boolean {
  if (longSubresources.has(readManagedPath(path).subresource)) return true;
  if (!query.includes("watch=")) return false;
  const value = new URLSearchParams(query).get("watch");
  return value === "true" || value === "1";
}
