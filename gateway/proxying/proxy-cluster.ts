import {
  type Exchange,
  type ForwardOutcome,
  forward,
  forwardPath,
  ProxyError,
  type RawHeaders,
  type Traffic,
} from "#proxy";
import { unknownCluster } from "../answers/cluster-errors.ts";
import { GatewayError } from "../answers/gateway-error.ts";
import type { Cluster } from "../clusters/cluster.ts";
import type { ClusterOrigin } from "../clusters/cluster-source.ts";
import type { ClusterStore } from "../clusters/cluster-store.ts";
import { certificateFingerprint } from "../clusters/convert.ts";
import type { ExecCredentials } from "../exec/exec-credentials.ts";
import type { Actor, Caller, PassActor } from "../identity/actor.ts";
import type { Identify } from "../identity/identify.ts";
import type { Route } from "../route.ts";
import type { ClusterTransports, ReadyCluster } from "./cluster-transports.ts";
import type { FailureLog } from "./failure-log.ts";
import type { Latencies } from "./latencies.ts";
import { locationPolicy } from "./location-policy.ts";
import type { Reachability } from "./reachability.ts";
import { managedRequestHeaders } from "./request-headers.ts";
import { upstreamError } from "./upstream-error.ts";

export interface ProxyClusterOptions {
  readonly clusters: Pick<ClusterStore, "find">;
  readonly transports: ClusterTransports;
  readonly reachability: Reachability;
  readonly failures: FailureLog;
  readonly identify: Identify;
  readonly latencies: Pick<Latencies, "note">;
  readonly execCredentials: ExecCredentials;
  readonly origin: Pick<ClusterOrigin, "layout" | "placeOf">;
  /** Name of the ManagedServiceAccount, in each cluster's namespace, that the tokens come from. */
  readonly managedServiceAccountName: string;
  /** Ends the watches, so that their clients go on elsewhere. */
  readonly endOfWatches: AbortSignal;
  /** How long an API server may take to begin its answer. Defaults to 75 seconds. */
  readonly responseTimeoutMs?: number;
}

export type ProxyRoute = Extract<Route, { kind: "proxy" }>;

/** A request that may be sent: which cluster it is for, and who acts there. */
export interface Prepared {
  readonly cluster: Cluster;
  readonly actor: Actor | PassActor;
}

/** The proxy subresource. Both throw a GatewayError as long as nothing has been answered. */
export interface ProxyCluster {
  /** Finds the cluster and decides who acts. Sends nothing. */
  prepare(exchange: Exchange, route: ProxyRoute, caller: Caller): Prepared | Promise<Prepared>;
  /** Sends the request to the managed cluster and the answer back. */
  send(
    exchange: Exchange,
    route: ProxyRoute,
    prepared: Prepared,
    notes: Notes,
  ): Promise<ForwardOutcome>;
}

/** What is told of a request while it passes, and to the managed cluster with it. */
export interface Notes {
  /** Fields that the managed cluster gets, in place of what came under their names. */
  readonly headers: RawHeaders;
  readonly traffic: Traffic;
  /** Its answer may begin, or go on, whenever it likes. */
  readonly isLong: boolean;
  readonly isWatch: boolean;
  /** The answer begins. */
  readonly started: (status: number) => void;
}

/** A little more than the minute that API servers allow themselves. */
const defaultResponseTimeoutMs = 75_000;

/** Makes the handler of the proxy subresource. */
export function createProxyCluster(options: ProxyClusterOptions): ProxyCluster {
  return {
    prepare({ method }, { name, rest, query }, { user, pass }) {
      const cluster = usableCluster(name, options);
      if (pass !== undefined) {
        return { cluster, actor: { kind: "pass", token: pass.token, because: "a pass" } };
      }
      const decided = options.identify(user, { cluster, method, path: rest, query });
      return decided instanceof Promise
        ? decided.then((actor) => ({ cluster, actor }))
        : { cluster, actor: decided };
    },
    async send(exchange, route, { cluster, actor }, notes) {
      const ready = isReady(cluster)
        ? cluster
        : await withCredential(cluster, options.execCredentials);
      try {
        return await forward(
          exchange,
          planFor(exchange, route, { cluster: ready, actor, notes }, options),
        );
      } catch (error) {
        if (!(error instanceof ProxyError)) throw error;
        const told = upstreamError(error, cluster, options.reachability.since(cluster.name));
        options.failures.note(cluster.name, told);
        throw told;
      }
    },
  };
}

function isReady(cluster: Cluster): cluster is ReadyCluster {
  return cluster.credential.kind !== "exec";
}

/** The cluster with what its command hands out. */
async function withCredential(
  cluster: Cluster,
  execCredentials: ExecCredentials,
): Promise<ReadyCluster> {
  const { credential, connectionFingerprint } = cluster;
  const found =
    credential.kind === "exec" ? await execCredentials.of(cluster, credential.exec) : credential;
  return {
    ...cluster,
    credential: found,
    connectionFingerprint: connectionFingerprint + certificateFingerprint(found),
  };
}

interface Sent {
  readonly cluster: ReadyCluster;
  readonly actor: Actor | PassActor;
  readonly notes: Notes;
}

function planFor(
  exchange: Exchange,
  { rest, query }: ProxyRoute,
  { cluster, actor, notes }: Sent,
  {
    transports,
    latencies,
    reachability,
    endOfWatches,
    responseTimeoutMs = defaultResponseTimeoutMs,
  }: ProxyClusterOptions,
) {
  const { endpoint, credential } = cluster;
  if (actor.kind === "pass") refuseBesideCertificate(cluster);
  const basePath = endpoint.kind === "const" ? endpoint.url.pathname : "";
  const startedAt = performance.now();
  return {
    transport: () => transports.of(cluster),
    responseHeaders: locationPolicy(exchange.target, rest, query, cluster),
    onAnswer: (status: number) => {
      reachability.reached(cluster.name);
      latencies.note(cluster.name, performance.now() - startedAt);
      notes.started(status);
    },
    traffic: notes.traffic,
    path: forwardPath(rest, basePath) + query,
    requestHeaders: managedRequestHeaders(credential, actor, notes.headers),
    ...(notes.isLong ? {} : { responseTimeoutMs }),
    ...(notes.isWatch && { mayEnd: endOfWatches }),
  };
}

/** API servers look at the certificate of a connection before any token. */
function refuseBesideCertificate({ name, credential }: ReadyCluster): void {
  if (credential.kind !== "certificate") return;
  throw new GatewayError(
    "bad_request",
    `Cannot use the token of an account: the gateway reaches cluster "${name}" with a client certificate, which would act in its place`,
  );
}

function usableCluster(
  name: string,
  { clusters, origin, managedServiceAccountName }: ProxyClusterOptions,
): Cluster {
  const found = clusters.find(name);
  const details = { name, resource: "clustergateways" };
  switch (found.kind) {
    case "ready":
      return found.cluster;
    case "unknown":
      throw unknownCluster(name, origin.layout);
    case "pending":
      throw new GatewayError(
        "cluster_not_ready",
        `Cannot reach cluster "${name}": there is no token for it yet, since ManagedServiceAccount ${name}/${managedServiceAccountName} is not ready (Secret ${origin.placeOf(name)}: ${found.why}). See its conditions: kubectl -n ${name} get managedserviceaccount ${managedServiceAccountName} -o yaml`,
        { details },
      );
    case "unusable":
      throw new GatewayError(
        "cluster_unusable",
        `Cannot reach cluster "${name}": Secret ${origin.placeOf(name)} cannot be used: ${found.why}`,
        { details },
      );
  }
}
