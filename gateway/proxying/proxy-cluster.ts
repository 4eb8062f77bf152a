import { type Exchange, type ForwardOutcome, forward, forwardPath, ProxyError } from "#proxy";
import { GatewayError } from "../answers/gateway-error.ts";
import type { User } from "../authentication/user.ts";
import type { Cluster, Credential } from "../clusters/cluster.ts";
import type { ClusterStore } from "../clusters/cluster-store.ts";
import type { Pass } from "../passes/pass-store.ts";
import type { Route } from "../route.ts";
import type { ClusterTransports } from "./cluster-transports.ts";
import type { FailureLog } from "./failure-log.ts";
import type { Identity } from "./identity.ts";
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
  readonly secretNamespace: string;
  /** Name of the ManagedServiceAccount, in each cluster's namespace, that the tokens come from. */
  readonly managedServiceAccountName: string;
  /** How long an API server may take to begin its answer. Defaults to 75 seconds. */
  readonly responseTimeoutMs?: number;
}

export type ProxyRoute = Extract<Route, { kind: "proxy" }>;

/**
 * Sends a request to the managed cluster of its route and the answer back, with the token of `pass`
 * where there is one and with the cluster's own credential otherwise. Throws a GatewayError
 * as long as nothing has been answered.
 */
export type ProxyCluster = (
  exchange: Exchange,
  route: ProxyRoute,
  user: User,
  pass?: Pass,
) => Promise<ForwardOutcome>;

/** A little more than the minute that API servers allow themselves. */
const defaultResponseTimeoutMs = 75_000;

/** Makes the handler of the proxy subresource. */
export function createProxyCluster(options: ProxyClusterOptions): ProxyCluster {
  return async (exchange, route, user, pass) => {
    const cluster = usableCluster(route.name, options);
    try {
      return await forward(
        exchange,
        planFor(exchange, route, user, actingFor(cluster, pass), options),
      );
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error;
      const told = upstreamError(error, cluster, options.reachability.since(cluster.name));
      options.failures.note(cluster.name, told);
      throw told;
    }
  };
}

function planFor(
  exchange: Exchange,
  { rest, query }: ProxyRoute,
  user: User,
  { cluster, credential, isAccount }: Acting,
  { transports, identity, responseTimeoutMs = defaultResponseTimeoutMs }: ProxyClusterOptions,
) {
  refuseImpersonation(exchange.headers, query);
  const { endpoint } = cluster;
  const basePath = endpoint.kind === "const" ? endpoint.url.pathname : "";
  return {
    transport: () => transports.of(cluster),
    path: forwardPath(rest, basePath) + query,
    requestHeaders: managedRequestHeaders(credential, isAccount ? [] : identity(user, cluster)),
    ...(isLongRunning(rest, query) ? {} : { responseTimeoutMs }),
  };
}

/** A cluster and with what to act on it. */
interface Acting {
  readonly cluster: Cluster;
  readonly credential: Credential;
  /** True when an account of the cluster acts with its own token. */
  readonly isAccount: boolean;
}

function actingFor(cluster: Cluster, pass: Pass | undefined): Acting {
  const { credential, name } = cluster;
  if (pass === undefined) return { cluster, credential, isAccount: false };
  if (credential.kind === "certificate") {
    // API servers look at the certificate of a connection before any token.
    throw new GatewayError(
      "bad_request",
      `Cannot use the token of ManagedServiceAccount ${pass.account}: the gateway reaches cluster "${name}" with a client certificate, which would act in its place`,
    );
  }
  return { cluster, credential: { kind: "token", token: pass.token }, isAccount: true };
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
