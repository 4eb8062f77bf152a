import { type Exchange, type ForwardOutcome, forward, forwardPath, ProxyError } from "#proxy";
import { GatewayError } from "../answers/gateway-error.ts";
import type { User } from "../authentication/user.ts";
import type { Cluster, ReadyCredential } from "../clusters/cluster.ts";
import type { ClusterStore } from "../clusters/cluster-store.ts";
import { certificateFingerprint } from "../clusters/convert.ts";
import type { ExecCredentials } from "../exec/exec-credentials.ts";
import { notFound } from "../objects/cluster-gateway-api.ts";
import type { Route } from "../route.ts";
import type { ClusterTransports, ReadyCluster } from "./cluster-transports.ts";
import type { FailureLog } from "./failure-log.ts";
import type { Identity } from "./identity.ts";
import type { Latencies } from "./latencies.ts";
import { locationPolicy } from "./location-policy.ts";
import { isLongRunning } from "./managed-path.ts";
import type { Reachability } from "./reachability.ts";
import { managedRequestHeaders, refuseImpersonation } from "./request-headers.ts";
import { upstreamError } from "./upstream-error.ts";

export interface ProxyClusterOptions {
  readonly clusters: Pick<ClusterStore, "find">;
  readonly transports: ClusterTransports;
  readonly reachability: Reachability;
  readonly failures: FailureLog;
  readonly identity: Identity;
  readonly latencies: Pick<Latencies, "note">;
  readonly execCredentials: ExecCredentials;
  readonly secretNamespace: string;
  /** Name of the ManagedServiceAccount, in each cluster's namespace, that the tokens come from. */
  readonly managedServiceAccountName: string;
  /** How long an API server may take to begin its answer. Defaults to 75 seconds. */
  readonly responseTimeoutMs?: number;
}

export type ProxyRoute = Extract<Route, { kind: "proxy" }>;

/**
 * Sends a request to the managed cluster of its route and the answer back. Throws a GatewayError
 * as long as nothing has been answered.
 */
export type ProxyCluster = (
  exchange: Exchange,
  route: ProxyRoute,
  user: User,
) => Promise<ForwardOutcome>;

/** A little more than the minute that API servers allow themselves. */
const defaultResponseTimeoutMs = 75_000;

/** Makes the handler of the proxy subresource. */
export function createProxyCluster(options: ProxyClusterOptions): ProxyCluster {
  return async (exchange, route, user) => {
    const cluster = usableCluster(route.name, options);
    const ready = withCredential(cluster, options.execCredentials);
    const plan = planFor(
      exchange,
      route,
      user,
      ready instanceof Promise ? await ready : ready,
      options,
    );
    try {
      return await forward(exchange, plan);
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error;
      const told = upstreamError(error, cluster, options.reachability.since(cluster.name));
      options.failures.note(cluster.name, told);
      throw told;
    }
  };
}

/** The cluster with a credential that can be shown; at once, unless a command has to run for it. */
function withCredential(
  cluster: Cluster,
  execCredentials: ExecCredentials,
): ReadyCluster | Promise<ReadyCluster> {
  const { credential, connectionFingerprint } = cluster;
  if (credential.kind !== "exec") return { ...cluster, credential };
  const issued = execCredentials.of(cluster, credential.exec);
  const ready = (found: ReadyCredential): ReadyCluster => ({
    ...cluster,
    credential: found,
    connectionFingerprint: connectionFingerprint + certificateFingerprint(found),
  });
  return issued instanceof Promise ? issued.then(ready) : ready(issued);
}

function planFor(
  exchange: Exchange,
  { rest, query }: ProxyRoute,
  user: User,
  cluster: ReadyCluster,
  {
    transports,
    identity,
    latencies,
    responseTimeoutMs = defaultResponseTimeoutMs,
  }: ProxyClusterOptions,
) {
  refuseImpersonation(exchange.headers, query);
  const { endpoint, credential } = cluster;
  const basePath = endpoint.kind === "const" ? endpoint.url.pathname : "";
  const startedAt = performance.now();
  return {
    transport: () => transports.of(cluster),
    responseHeaders: locationPolicy(exchange.target, rest, query, cluster),
    onAnswer: () => latencies.note(cluster.name, performance.now() - startedAt),
    path: forwardPath(rest, basePath) + query,
    requestHeaders: managedRequestHeaders(credential, identity(user, cluster)),
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
      throw notFound(name);
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
