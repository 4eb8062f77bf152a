/** What a path on a managed cluster is about; empty for paths that are no resource. */
export interface ManagedPath {
  readonly resource: string;
  readonly subresource: string;
}

const nothing: ManagedPath = { resource: "", subresource: "" };

/** Reads a path as API servers do. Never throws: it serves metrics and timeouts, not access. */
export function readManagedPath(path: string): ManagedPath {
  const [root, ...rest] = path.split("/").filter((segment) => segment !== "");
  const parts = root === "api" ? rest.slice(1) : root === "apis" ? rest.slice(2) : [];
  if (parts[0] === "namespaces" && parts.length > 2) {
    const [, , resource = "", , subresource = ""] = parts;
    const isOfNamespace = resource === "status" || resource === "finalize";
    return isOfNamespace
      ? { resource: "namespaces", subresource: resource }
      : { resource, subresource };
  }
  const [resource, , subresource = ""] = parts;
  return resource === undefined ? nothing : { resource, subresource };
}

const longSubresources = new Set(["attach", "exec", "log", "portforward", "proxy"]);

/** True for requests whose answer may begin, or go on, whenever it likes. */
export function isLongRunning(path: string, query: string): boolean {
  if (longSubresources.has(readManagedPath(path).subresource)) return true;
  if (!query.includes("watch=")) return false;
  const value = new URLSearchParams(query).get("watch");
  return value === "true" || value === "1";
}
