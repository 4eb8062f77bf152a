import { managedAttributes } from "./managed-attributes.ts";

/** What a request is about on a managed cluster; empty texts for what it does not name. */
export interface ManagedRequest {
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
}

const nothing = { group: "", version: "", namespace: "", resource: "", subresource: "", name: "" };

/**
 * Reads a request as the managed cluster's API server does. Never throws, since it serves metrics,
 * timeouts and the audit log: what can be read in more than one way is about no resource.
 */
export function readManagedRequest(method: string, path: string, query: string): ManagedRequest {
  try {
    const attributes = managedAttributes(method, path, query);
    return { ...nothing, ...attributes };
  } catch {
    return { ...nothing, verb: method.toLowerCase() };
  }
}

/** True for a watch: its client asks again from where it ended, whenever it does. */
export function isWatchRequest(method: string, path: string, query: string): boolean {
  return readManagedRequest(method, path, query).verb === "watch";
}

const longSubresources = new Set(["attach", "exec", "log", "portforward", "proxy"]);

/** True for requests whose answer may begin, or go on, whenever it likes. */
export function isLongRunning(path: string, query: string): boolean {
  const { verb, subresource } = readManagedRequest("GET", path, query);
  return verb === "watch" || longSubresources.has(subresource);
}
