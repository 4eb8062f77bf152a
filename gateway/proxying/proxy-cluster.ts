import { type Exchange, type ForwardOutcome, forward, forwardPath, ProxyError } from "#proxy";
import { GatewayError } from "../answers/gateway-error.ts";
import type { Cluster } from "../clusters/cluster.ts";
import type { ClusterStore } from "../clusters/cluster-store.ts";
import type { Actor, Caller } from "../identity/actor.ts";
import type { Identify } from "../identity/identify.ts";
import type { Route } from "../route.ts";
import type { ClusterTransports } from "./cluster-transports.ts";
import type { FailureLog } from "./failure-log.ts";
import { isLongRunning } from "./managed-path.ts";
import type { Reachability } from "./reachability.ts";
import { managedRequestHeaders } from "./request-headers.ts";
import { upstreamError } from "./upstream-error.ts";

export interface ProxyClusterOptions {
  readonly clusters: Pick<ClusterStore, "find">;
  readonly transports: ClusterTransports;
  readonly reachability: Reachability;
  readonly failures: FailureLog;
  readonly identify: Identify;
  readonly secretNamespace: string;
  /** Name of the ManagedServiceAccount, in each cluster's namespace, that the tokens come from. */
  readonly managedServiceAccountName: string;
  /** How long an API server may take to begin its answer. Defaults to 75 seconds. */
  readonly responseTimeoutMs?: number;
}

export type ProxyRoute = Extract<Route, { kind: "proxy" }>;

/** A request that may be sent: which cluster it is for, and who acts there. */
export interface Prepared {
  readonly cluster: Cluster;
  readonly actor: Actor;
}

/** The proxy subresource. Both throw a GatewayError as long as nothing has been answered. */
export interface ProxyCluster {
  /** Finds the cluster and decides who acts. Sends nothing. */
  prepare(exchange: Exchange, route: ProxyRoute, caller: Caller): Prepared | Promise<Prepared>;
  /** Sends the request to the managed cluster and the answer back. */
  send(exchange: Exchange, route: ProxyRoute, prepared: Prepared): Promise<ForwardOutcome>;
}

/** A little more than the minute that API servers allow themselves. */
const defaultResponseTimeoutMs = 75_000;

/** Makes the handler of the proxy subresource. */
export function createProxyCluster(options: ProxyClusterOptions): ProxyCluster {
  return {
    prepare({ method }, { name, rest, query }, { user }) {
      const cluster = usableCluster(name, options);
      const decided = options.identify(user, { cluster, method, path: rest, query });
      return decided instanceof Promise
        ? decided.then((actor) => ({ cluster, actor }))
        : { cluster, actor: decided };
    },
    async send(exchange, route, prepared) {
      try {
        return await forward(exchange, planFor(route, prepared, options));
      } catch (error) {
        if (!(error instanceof ProxyError)) throw error;
        const { cluster } = prepared;
        const told = upstreamError(error, cluster, options.reachability.since(cluster.name));
        options.failures.note(cluster.name, told);
        throw told;
      }
    },
  };
}

function planFor(
  { rest, query }: ProxyRoute,
  { cluster, actor }: Prepared,
  { transports, responseTimeoutMs = defaultResponseTimeoutMs }: ProxyClusterOptions,
) {
  const { endpoint, credential } = cluster;
  const basePath = endpoint.kind === "const" ? endpoint.url.pathname : "";
  return {
    transport: () => transports.of(cluster),
    path: forwardPath(rest, basePath) + query,
    requestHeaders: managedRequestHeaders(credential, actor),
    ...(isLongRunning(rest, query) ? {} : { responseTimeoutMs }),
  };
}

function usableCluster(
  name: string,
  { clusters, secretNamespace, managedServiceAccountName }: ProxyClusterOptions,
): Cluster {
  const found = clusters.find(name);
  const details = { name, resource: "clustergateways" };
  switch (found.kind) {
    case "ready":
      return found.cluster;
    case "unknown":
      throw unknownCluster(name);
    case "pending":
      throw new GatewayError(
        "cluster_not_ready",
        `Cannot reach cluster "${name}": there is no token for it yet, since ManagedServiceAccount ${name}/${managedServiceAccountName} is not ready (Secret ${secretNamespace}/${name}: ${found.why}). See its conditions: kubectl -n ${name} get managedserviceaccount ${managedServiceAccountName} -o yaml`,
        { details },
      );
    case "unusable":
      throw new GatewayError(
        "cluster_unusable",
        `Cannot reach cluster "${name}": Secret ${secretNamespace}/${name} cannot be used: ${found.why}`,
        { details },
      );
  }
}

/** The error for a name that nobody knows, in the words of upstream. */
export function unknownCluster(name: string): GatewayError {
  return new GatewayError(
    "not_found",
    `clustergateways.cluster.core.oam.dev "${name}" not found: no such cluster ${name}`,
    { details: { name, resource: "clustergateways" } },
  );
}
