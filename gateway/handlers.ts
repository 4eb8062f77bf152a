import type { ManagedCluster, Secret } from "#api";
import { apiVersionOf, clusterGateways, virtualClusters } from "#api";
import type { KubeClient, ObjectCache } from "#kube";
import type { Exchange } from "#proxy";
import { answerJson } from "./answers/answer.ts";
import { GatewayError } from "./answers/gateway-error.ts";
import type { ClusterStore } from "./clusters/cluster-store.ts";
import { convertCluster } from "./clusters/convert.ts";
import { clusterGatewayOf } from "./objects/cluster-gateway.ts";
import { readHealth, saveHealth, withHealth } from "./objects/health.ts";
import { renderingFor } from "./objects/rendering.ts";
import { parseSelectors } from "./objects/selector.ts";
import { clusterGatewayColumns, virtualClusterColumns } from "./objects/table.ts";
import {
  listVirtualClusters,
  localCluster,
  virtualClusterOfManagedCluster,
  virtualClusterOfSecret,
} from "./objects/virtual-cluster.ts";
import { streamWatch } from "./objects/watch-stream.ts";
import { unknownCluster } from "./proxying/proxy-cluster.ts";
import { isWatch, type Route } from "./route.ts";

export interface ObjectHandlersOptions {
  readonly clusters: ClusterStore;
  readonly secrets: Pick<ObjectCache<Secret>, "get" | "list">;
  readonly managedClusters: Pick<ObjectCache<ManagedCluster>, "get" | "list"> | undefined;
  readonly secretNamespace: string;
  readonly client: Pick<KubeClient, "replace">;
  /** Ends watches when the gateway winds down. */
  readonly signal: AbortSignal;
}

type RouteOf<Kind extends Route["kind"]> = Extract<Route, { kind: Kind }>;

/** What answers requests for objects of our own group. Each throws a GatewayError. */
export interface ObjectHandlers {
  collection(exchange: Exchange, route: RouteOf<"collection">): void;
  object(exchange: Exchange, route: RouteOf<"object">): void;
  clusterHealth(exchange: Exchange, route: RouteOf<"clusterHealth">): Promise<void>;
}

const gatewayShape = {
  apiVersion: apiVersionOf(clusterGateways),
  listKind: "ClusterGatewayList",
  columns: clusterGatewayColumns,
};
const virtualShape = {
  apiVersion: apiVersionOf(virtualClusters),
  listKind: "VirtualClusterList",
  columns: virtualClusterColumns,
};

/** Makes the handlers. */
export function createObjectHandlers(options: ObjectHandlersOptions): ObjectHandlers {
  return {
    collection(exchange, { resource, query }) {
      requireMethod(exchange, "GET", "HEAD");
      if (resource === "clustergateways") listGateways(exchange, query, options);
      else listVirtual(exchange, query, options);
    },
    object(exchange, { resource, name, query }) {
      requireMethod(exchange, "GET", "HEAD");
      const parameters = new URLSearchParams(query);
      const shown =
        resource === "clustergateways"
          ? renderingFor(exchange, parameters, gatewayShape).one(gatewayNamed(name, options))
          : renderingFor(exchange, parameters, virtualShape).one(virtualNamed(name, options));
      answerJson(exchange, 200, shown);
    },
    async clusterHealth(exchange, { name, query }) {
      requireMethod(exchange, "GET", "HEAD", "PUT");
      const gateway = gatewayNamed(name, options);
      answerJson(
        exchange,
        200,
        exchange.method === "PUT" ? await setHealth(exchange, name, query, options) : gateway,
      );
    },
  };
}

function listGateways(
  exchange: Exchange,
  query: string,
  { clusters, signal }: ObjectHandlersOptions,
): void {
  const parameters = new URLSearchParams(query);
  const rendering = renderingFor(exchange, parameters, gatewayShape);
  const isSelected = parseSelectors(parameters);
  if (isWatch(query)) {
    streamWatch(exchange, clusters, { rendering, isSelected, query: parameters, signal });
    return;
  }
  const version = clusters.version();
  const items = clusters.list().map(clusterGatewayOf);
  const selected = items.filter(({ metadata }) => isSelected(metadata));
  answerJson(exchange, 200, rendering.many(selected, version));
}

function listVirtual(
  exchange: Exchange,
  query: string,
  { secrets, managedClusters, clusters }: ObjectHandlersOptions,
): void {
  if (isWatch(query)) {
    throw new GatewayError("method_not_allowed", "virtualclusters cannot be watched");
  }
  const parameters = new URLSearchParams(query);
  const isSelected = parseSelectors(parameters);
  const items = listVirtualClusters(secrets.list(), managedClusters?.list() ?? []);
  const selected = items.filter(({ metadata }) => isSelected(metadata));
  const rendering = renderingFor(exchange, parameters, virtualShape);
  answerJson(exchange, 200, rendering.many(selected, clusters.version()));
}

function gatewayNamed(name: string, { clusters, secretNamespace }: ObjectHandlersOptions) {
  const found = clusters.find(name);
  if (found.kind === "ready") return clusterGatewayOf(found.cluster);
  if (found.kind !== "unusable") throw unknownCluster(name);
  const message = `Cannot show cluster "${name}": Secret ${secretNamespace}/${name}: ${found.why}`;
  throw new GatewayError("cluster_unusable", message, {
    details: { name, resource: "clustergateways" },
  });
}

function virtualNamed(name: string, options: ObjectHandlersOptions) {
  if (name === localCluster.metadata.name) return localCluster;
  const { secrets, managedClusters, secretNamespace } = options;
  const secret = secrets.get(`${secretNamespace}/${name}`);
  const managedCluster = managedClusters?.get(name);
  const found =
    (secret === undefined ? undefined : virtualClusterOfSecret(secret)) ??
    (managedCluster === undefined ? undefined : virtualClusterOfManagedCluster(managedCluster));
  if (found !== undefined) return found;
  throw new GatewayError("not_found", `virtualclusters.cluster.core.oam.dev "${name}" not found`, {
    details: { name, resource: "virtualclusters" },
  });
}

async function setHealth(
  exchange: Exchange,
  name: string,
  query: string,
  { secrets, managedClusters, secretNamespace, client, signal }: ObjectHandlersOptions,
) {
  const health = await readHealth(exchange, name);
  const secret = secrets.get(`${secretNamespace}/${name}`);
  if (secret === undefined) throw unknownCluster(name);
  const next = withHealth(secret, health);
  const isDryRun = new URLSearchParams(query).getAll("dryRun").includes("All");
  const saved = isDryRun ? next : await saveHealth(client, next, signal);
  return clusterGatewayOf(convertCluster(saved, managedClusters?.get(name)));
}

function requireMethod({ method }: Exchange, ...methods: readonly string[]): void {
  if (methods.includes(method)) return;
  throw new GatewayError(
    "method_not_allowed",
    `The server does not allow ${method} on this resource: expected ${methods.join(", ")}`,
  );
}
