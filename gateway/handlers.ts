import { apiVersionOf, type ManagedCluster, type Secret, virtualClusters } from "#api";
import type { ObjectCache } from "#kube";
import type { Exchange } from "#proxy";
import { answerJson } from "./answers/answer.ts";
import { GatewayError } from "./answers/gateway-error.ts";
import type { ClusterOrigin } from "./clusters/cluster-source.ts";
import type { ClusterStore } from "./clusters/cluster-store.ts";
import { type ClusterGatewayApi, createClusterGatewayApi } from "./objects/cluster-gateway-api.ts";
import type { ClusterGatewayWriter } from "./objects/cluster-gateway-writer.ts";
import { createHealthApi } from "./objects/health.ts";
import { renderingFor } from "./objects/rendering.ts";
import { parseSelectors } from "./objects/selector.ts";
import { type ClusterLive, virtualClusterColumns } from "./objects/table.ts";
import {
  listVirtualClusters,
  localCluster,
  virtualClusterOfManagedCluster,
  virtualClusterOfSecret,
} from "./objects/virtual-cluster.ts";
import { isWatch, type Route } from "./route.ts";

export interface ObjectHandlersOptions {
  readonly origin: Pick<ClusterOrigin, "layout" | "keepHealth">;
  readonly clusters: ClusterStore;
  /** What VirtualClusters are made of; `undefined` where there are none. */
  readonly keepers: Keepers | undefined;
  /** Without it, ClusterGateways can only be read. */
  readonly writer: ClusterGatewayWriter | undefined;
  readonly live: ClusterLive;
  /** Ends watches when the gateway winds down. */
  readonly signal: AbortSignal;
}

interface Keepers {
  readonly secrets: Pick<ObjectCache<Secret>, "get" | "list">;
  readonly managedClusters: Pick<ObjectCache<ManagedCluster>, "get" | "list"> | undefined;
  readonly secretNamespace: string;
}

type RouteOf<Kind extends Route["kind"]> = Extract<Route, { kind: Kind }>;

/** What answers requests for objects of our own group. Each throws a GatewayError. */
export interface ObjectHandlers {
  collection(exchange: Exchange, route: RouteOf<"collection">): Promise<void>;
  object(exchange: Exchange, route: RouteOf<"object">): Promise<void>;
  clusterHealth(exchange: Exchange, route: RouteOf<"clusterHealth">): Promise<void>;
}

const virtualShape = {
  apiVersion: apiVersionOf(virtualClusters),
  kind: virtualClusters.kind,
  columns: virtualClusterColumns,
};

/** Makes the handlers. */
export function createObjectHandlers(options: ObjectHandlersOptions): ObjectHandlers {
  const { layout } = options.origin;
  const gateways: ClusterGatewayApi = createClusterGatewayApi({ ...options, layout });
  const health = createHealthApi(options);
  return {
    async collection(exchange, { resource, query }) {
      if (resource === "clustergateways") return gateways.collection(exchange, query);
      requireReading(exchange);
      listVirtual(exchange, query, options);
    },
    async object(exchange, { resource, name, query }) {
      if (resource === "clustergateways") return gateways.object(exchange, name, query);
      requireReading(exchange);
      const rendering = renderingFor(exchange, new URLSearchParams(query), virtualShape);
      answerJson(exchange, 200, rendering.one(virtualNamed(name, options)));
    },
    clusterHealth: (exchange, { name, query }) => health(exchange, name, query),
  };
}

function listVirtual(
  exchange: Exchange,
  query: string,
  { keepers, clusters }: ObjectHandlersOptions,
): void {
  if (isWatch(query)) {
    throw new GatewayError("method_not_allowed", "virtualclusters cannot be watched");
  }
  const parameters = new URLSearchParams(query);
  const isSelected = parseSelectors(parameters);
  const items = listVirtualClusters(
    keepers?.secrets.list() ?? [],
    keepers?.managedClusters?.list() ?? [],
  );
  const selected = items.filter(({ metadata }) => isSelected(metadata));
  const rendering = renderingFor(exchange, parameters, virtualShape);
  const resourceVersion = clusters.version();
  answerJson(exchange, 200, rendering.many(selected, { resourceVersion }));
}

function virtualNamed(name: string, { keepers }: ObjectHandlersOptions) {
  if (name === localCluster.metadata.name) return localCluster;
  const secret = keepers?.secrets.get(`${keepers.secretNamespace}/${name}`);
  const managedCluster = keepers?.managedClusters?.get(name);
  const found =
    (secret === undefined ? undefined : virtualClusterOfSecret(secret)) ??
    (managedCluster === undefined ? undefined : virtualClusterOfManagedCluster(managedCluster));
  if (found !== undefined) return found;
  const { plural: resource, group } = virtualClusters;
  throw new GatewayError("not_found", `${resource}.${group} "${name}" not found`, {
    details: { name, resource },
  });
}

function requireReading({ method }: Exchange): void {
  if (method === "GET" || method === "HEAD") return;
  throw new GatewayError(
    "method_not_allowed",
    `The server does not allow ${method} on this resource: expected GET, HEAD`,
  );
}
