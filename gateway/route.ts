import type { ClusterGatewayLayout } from "#api";
import { parseTarget, splitPath } from "#proxy";
import { type Attributes, verbOf } from "./authorization/attributes.ts";

/** What the front serves, as far as a path tells. */
export type Route =
  | { readonly kind: "health"; readonly check: HealthCheck }
  | { readonly kind: "document"; readonly document: DocumentName }
  | { readonly kind: "metrics" }
  | { readonly kind: "collection"; readonly resource: ResourceName; readonly query: string }
  | {
      readonly kind: "object";
      readonly resource: ResourceName;
      readonly name: string;
      readonly query: string;
    }
  | { readonly kind: "clusterHealth"; readonly name: string; readonly query: string }
  | {
      readonly kind: "proxy";
      readonly name: string;
      /** The path behind the prefix, untouched; empty for the bare prefix. */
      readonly rest: string;
      readonly query: string;
    }
  | { readonly kind: "unknown"; readonly path: string };

export type HealthCheck = "healthz" | "livez" | "readyz";
export type ResourceName = "clustergateways" | "virtualclusters";
export type DocumentName =
  | "index"
  | "groups"
  | "group"
  | "resources"
  | "openapiV2"
  | "openapiV3"
  | "openapiV3Group"
  | "version";

/** The paths of one group. */
export interface Router {
  readonly group: string;
  /**
   * Finds the route of a request target. Throws a ProxyError `bad_target` for a target that is no
   * path. Segments of our own are decoded, what belongs to a managed cluster is not touched.
   */
  routeOf(target: string): Route;
  /**
   * What a route asks the hub's authorizer, or `undefined` for what every authenticated user may
   * read: discovery must not depend on the hub's answer, since the hub's discovery depends on it.
   */
  attributesOf(route: Route, method: string): Attributes | undefined;
}

/** Makes the router of a layout's group. */
export function createRouter(layout: ClusterGatewayLayout): Router {
  const { group, apiVersion, clusterGateways, virtualClusters } = layout;
  const root = `/apis/${apiVersion}`;
  const documents: Readonly<Record<string, DocumentName>> = {
    "/": "index",
    "/apis": "groups",
    [`/apis/${group}`]: "group",
    [root]: "resources",
    "/openapi/v2": "openapiV2",
    "/openapi/v3": "openapiV3",
    [`/openapi/v3${root}`]: "openapiV3Group",
    "/version": "version",
  };
  const resources = [clusterGateways, virtualClusters].flatMap((type) => type?.plural ?? []);
  return {
    group,
    routeOf(target) {
      const { path, query } = parseTarget(target);
      if (path.startsWith(`${root}/`)) return resourceRoute(path, query, resources);
      const plain = path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
      const document = documents[plain];
      if (document !== undefined) return { kind: "document", document };
      const check = healthChecks[plain];
      if (check !== undefined) return { kind: "health", check };
      return plain === "/metrics" ? { kind: "metrics" } : { kind: "unknown", path };
    },
    attributesOf: (route, method) => attributesOf(route, method, layout),
  };
}

const healthChecks: Readonly<Record<string, HealthCheck>> = {
  "/healthz": "healthz",
  "/livez": "livez",
  "/readyz": "readyz",
};

const prefixSegments = 4;

function resourceRoute(path: string, query: string, served: readonly string[]): Route {
  const { segments, rest } = splitPath(path, prefixSegments + 2);
  const [resource = "", name = "", subresource = ""] = segments.slice(prefixSegments - 1);
  if (!served.includes(resource)) return { kind: "unknown", path };
  if (subresource === "") return plainRoute(resource as ResourceName, name, query);
  const found = name === "" ? undefined : partOf(subresource, name, rest, query);
  return resource === "clustergateways" && found !== undefined ? found : { kind: "unknown", path };
}

function partOf(subresource: string, name: string, rest: string, query: string): Route | undefined {
  if (subresource === "proxy") return { kind: "proxy", name, rest, query };
  const isHealth = subresource === "health" && rest.length < 2;
  return isHealth ? { kind: "clusterHealth", name, query } : undefined;
}

function plainRoute(resource: ResourceName, name: string, query: string): Route {
  return name === ""
    ? { kind: "collection", resource, query }
    : { kind: "object", resource, name, query };
}

function attributesOf(
  route: Route,
  method: string,
  { group, version }: ClusterGatewayLayout,
): Attributes | undefined {
  const of = (verb: string, resource: ResourceName, subresource: string, name: string) =>
    ({ kind: "resource", verb, group, version, resource, subresource, name }) as const;
  switch (route.kind) {
    case "health":
    case "document":
      return undefined;
    case "metrics":
      return { kind: "path", verb: verbOf(method), path: "/metrics" };
    case "unknown":
      return { kind: "path", verb: verbOf(method).toLowerCase(), path: route.path };
    case "collection":
      return of(collectionVerb(route.query, method), route.resource, "", "");
    case "object":
      return of(verbOf(method), route.resource, "", route.name);
    case "clusterHealth":
      return of(verbOf(method), "clustergateways", "health", route.name);
    case "proxy":
      return of(verbOf(method), "clustergateways", "proxy", route.name);
  }
}

function collectionVerb(query: string, method: string): string {
  if (method === "DELETE") return "deletecollection";
  if (method !== "GET" && method !== "HEAD") return verbOf(method);
  return isWatch(query) ? "watch" : "list";
}

/** True when a query asks for a watch, in any of the ways that API servers understand. */
export function isWatch(query: string): boolean {
  const value = new URLSearchParams(query).get("watch");
  return value !== null && !["0", "false", "f", "F", "FALSE", "False"].includes(value);
}
