import { type Secret, secrets } from "#api";
import { createEventRecorder, type KubeClient } from "#kube";
import { createFront, type Front, type FrontOptions, type FrontTls } from "#proxy";
import { type Logger, type Metrics, type Runnable, runAll, type Tracer } from "#runtime";
import { type AuditorOptions, createAuditor, silentAudit } from "./audit/auditor.ts";
import { type Authenticate, createAuthenticate } from "./authentication/authenticate.ts";
import { createTokenReader, type TokenReaderOptions } from "./authentication/token-reader.ts";
import { followTrust, type TrustSource } from "./authentication/trust-source.ts";
import { createAuthorize, type DecisionTtls } from "./authorization/access-review.ts";
import type { ClusterOrigin } from "./clusters/cluster-source.ts";
import { type ClusterStore, createClusterStore } from "./clusters/cluster-store.ts";
import { createDocuments } from "./documents-handler.ts";
import type { ExecPolicy } from "./exec/exec-credentials.ts";
import { createGatewayMetrics } from "./gateway-metrics.ts";
import { createObjectHandlers, type ObjectHandlersOptions } from "./handlers.ts";
import { type ClusterKeeping, createHubCaches, type HubCaches } from "./hub-caches.ts";
import { defaultSettings, type IdentitySettings } from "./identity/configuration.ts";
import { createExternalExchanger } from "./identity/external-exchanger.ts";
import { createIdentify, type Identify } from "./identity/identify.ts";
import {
  type ClusterLimits,
  createClusterLimits,
  type LimitOptions,
} from "./limits/cluster-limits.ts";
import { createClusterGatewayWriter } from "./objects/cluster-gateway-writer.ts";
import { createPassStore } from "./passes/pass-store.ts";
import type { TunnelDial } from "./proxying/cluster-transports.ts";
import { createClusterWays } from "./proxying/cluster-ways.ts";
import { createFailureLog } from "./proxying/failure-log.ts";
import { createProxyCluster } from "./proxying/proxy-cluster.ts";
import { type CountRefusal, createRefusals } from "./refusals.ts";
import { createRequestHandler } from "./request-handler.ts";
import { createRouter } from "./route.ts";
import { listenOnceStarted } from "./start-up.ts";
import { windDown } from "./wind-down.ts";

/** The gateway's own certificate and key, PEM, which may be renewed while it runs. */
export interface ServingCertificate {
  readonly current: Pick<FrontTls, "cert" | "key">;
  /** Calls back after each renewal. */
  onChange(listener: (pair: Pick<FrontTls, "cert" | "key">) => void): void;
}

export interface GatewayOptions extends Pick<TokenReaderOptions, "oidc" | "oidcCa"> {
  readonly host?: string;
  readonly port: number;
  readonly certificate: ServingCertificate;
  /** The hub. */
  readonly client: KubeClient;
  /** Where clusters are kept, and so in which group they are served. Defaults to Secrets. */
  readonly keeping?: ClusterKeeping | undefined;
  readonly secretNamespace: string;
  /** Whether OCM's ManagedClusters give addresses and CAs. */
  readonly usesManagedClusters: boolean;
  /** Without it, clusters of type ClusterProxy cannot be reached. */
  readonly tunnelDial?: TunnelDial | undefined;
  /** The same, whose connections need not be open yet: each saves a round trip to its cluster. */
  readonly tunnelDialEarly?: TunnelDial | undefined;
  /** The name that certificates of API servers behind the tunnel must have. */
  readonly tunnelServerName: string;
  /** ManagedServiceAccount, in each cluster's namespace, that tokens come from. */
  readonly managedServiceAccountName: string;
  /** Whether ClusterGateways can be written; without it they are made as Secrets. */
  readonly isWritable?: boolean;
  /** Shows tokens and keys in ClusterGateways, as upstream does. Defaults to false. */
  readonly showCredentials?: boolean;
  /** What Secrets of type Dynamic may ask for. Defaults to nothing. */
  readonly execPolicy?: ExecPolicy;
  /** As whom callers act, at this moment. Without it, everyone as the cluster's account. */
  readonly identity?: () => IdentitySettings;
  /** CAs of external identity exchangers, PEM; without any, the system's. */
  readonly exchangerCa?: () => Buffer | undefined;
  /** Whether the hub is also asked about what requests do on managed clusters. Defaults to false. */
  readonly authorizesPaths?: boolean;
  /** How long the hub's answers count. */
  readonly decisionTtls?: DecisionTtls & { readonly tokenTtlMs?: number };
  /** Where requests to managed clusters are recorded. Defaults to nowhere. */
  readonly audit?: Pick<AuditorOptions, "policy" | "sinks"> | undefined;
  /** How many requests may be under way. Each has a default. */
  readonly limits?: Omit<LimitOptions, "metrics"> | undefined;
  /** Traces requests to managed clusters. Without it, nothing is traced. */
  readonly tracer?: Tracer | undefined;
  /** Requests that one connection may carry at once. Defaults to 1,000. */
  readonly streamsPerConnection?: number;
  /** Connections that one address may have open at once. Defaults to 5,000. */
  readonly connectionsPerAddress?: number;
  /**
   * Whether what is wrong with a Secret becomes an Event. Defaults to true; of several gateways in
   * one pod, one is enough.
   */
  readonly recordsEvents?: boolean;
  /** What `/version` says. */
  readonly version: string;
  readonly metrics: Metrics;
  readonly log: Logger;
  /**
   * How long it may take, before it listens, to have what it needs. Defaults to not at all; one of
   * several gateways behind one port would get connections that others could serve.
   */
  readonly startUpMs?: number;
  /** How long it goes on serving after it says that it is not ready. Defaults to 5 seconds. */
  readonly lameDuckMs?: number;
  /** How long requests may go on after that; watches end at once. Defaults to 15 seconds. */
  readonly drainMs?: number;
}

/** The aggregated API server, and the direct door to the same. */
export interface Gateway extends Runnable {
  /** Where it listens, once it does. */
  readonly port: Promise<number>;
  /** Why it should get no requests now, or `undefined`. */
  reasonNotReady(): string | undefined;
}

const sharedSettings = defaultSettings("Shared");

/** Builds a gateway. Nothing is asked or served before `run`. */
export function createGateway(options: GatewayOptions): Gateway {
  const { log } = options;
  const caches = createHubCaches(options);
  const { origin } = caches;
  const trust = followTrust(caches.trust, log);
  const clusters = storeOf(options, origin);
  const winding = new AbortController();
  const draining = new AbortController();
  const reasonNotStarted = () => trust.reasonNotReady() ?? clusters.reasonNotReady();
  const reasonNotReady = () => (winding.signal.aborted ? "shutting down" : reasonNotStarted());
  const ways = createClusterWays(options, clusters);
  const refused = createRefusals(options.metrics);
  const handle = createRequestHandler({
    router: createRouter(origin.layout),
    authenticate: authenticateBy(trust, options),
    authorize: createAuthorize(options.client, options.decisionTtls),
    authorizesPaths: options.authorizesPaths ?? false,
    passes: createPassStore(caches.passes),
    ...ownApi(options, caches, { clusters, live: ways.live, signal: draining.signal }),
    proxyCluster: createProxyCluster({
      ...options,
      origin,
      clusters,
      failures: createFailureLog({ log }),
      endOfWatches: draining.signal,
      ...ways,
      identify: identifyWith(options, origin),
    }),
    audit: createAuditor({ ...(options.audit ?? silentAudit), group: origin.layout.group }),
    limits: limitsOf(options, clusters),
    isCluster: (name) => clusters.find(name).kind !== "unknown",
    reasonNotStarted,
    reasonNotReady,
    metrics: options.metrics,
    gatewayMetrics: createGatewayMetrics(options.metrics),
    refused,
    tracer: options.tracer,
    log,
  });
  const front = createGatewayFront(options, trust, handle, refused);
  const cleanUp = () => ways.transports.destroy();
  const listening = listenOnceStarted(front, { ...options, reasonNotStarted });
  const serving = windDown(listening, { winding, draining }, options, cleanUp);
  return {
    name: "gateway",
    port: front.port,
    reasonNotReady,
    run: (signal) => runAll([...caches.all, serving], signal),
  };
}

/** What answers for our own group: its documents, and its objects. */
function ownApi(
  options: GatewayOptions,
  { origin, keepers }: HubCaches,
  rest: Pick<ObjectHandlersOptions, "clusters" | "live" | "signal">,
) {
  const { layout } = origin;
  const isWritable = options.isWritable === true && keepers !== undefined;
  const { clusters } = rest;
  const writer = isWritable
    ? createClusterGatewayWriter({ ...options, ...keepers, clusters })
    : undefined;
  return {
    answerDocument: createDocuments(options.version, { layout, isWritable }),
    objects: createObjectHandlers({ ...rest, origin, keepers, writer }),
  };
}

function limitsOf(
  { limits: given, metrics }: GatewayOptions,
  clusters: ClusterStore,
): ClusterLimits {
  const limits = createClusterLimits({ ...given, metrics });
  clusters.onChange((name, cluster) => {
    if (cluster === undefined) limits.forget(name);
    else limits.changed(name);
  });
  return limits;
}

function storeOf(options: GatewayOptions, origin: ClusterOrigin): ClusterStore {
  const { showCredentials, log } = options;
  const warn = warner(options);
  return createClusterStore({
    origin,
    showCredentials,
    onFault: (secret, message) => warn(secret, "InvalidSecret", message),
    log,
  });
}

function authenticateBy(trust: TrustSource, options: GatewayOptions): Authenticate {
  return createAuthenticate({
    trust: () => trust.current,
    reviewToken: createTokenReader(options),
  });
}

/** Makes Events about Secrets. */
function warner({ client, recordsEvents = true, log }: GatewayOptions) {
  const events = createEventRecorder(client, "cluster-gateway", log);
  return (secret: Secret, reason: string, message: string) => {
    if (recordsEvents) void events.record(secrets, secret, { type: "Warning", reason, message });
  };
}

function identifyWith(options: GatewayOptions, origin: ClusterOrigin): Identify {
  const { identity, exchangerCa, log } = options;
  const warn = warner(options);
  return createIdentify({
    settings: identity ?? (() => sharedSettings),
    exchange: createExternalExchanger({ ca: exchangerCa ?? (() => undefined) }),
    onFault(cluster, message) {
      log.error("Identity rule cannot be used", { cluster, fault: message });
      const found = origin.find(cluster);
      if (found.kind === "found") warn(found.source.secret, "InvalidIdentityRule", message);
    },
  });
}

function createGatewayFront(
  {
    certificate,
    host,
    port,
    streamsPerConnection,
    connectionsPerAddress,
    log,
    drainMs = 15_000,
  }: GatewayOptions,
  trust: TrustSource,
  handle: FrontOptions["handle"],
  refused: CountRefusal,
): Front {
  const tls = (): FrontTls => ({ ...certificate.current, clientCas: trust.current.caPems });
  const where = host === undefined ? { port } : { host, port };
  const front = createFront({
    ...where,
    handle,
    onRefused: refused,
    tls: tls(),
    streamsPerConnection,
    connectionsPerAddress,
    log,
    drainMs,
  });
  trust.onChange(() => front.secure(tls()));
  certificate.onChange((pair) => {
    front.secure({ ...tls(), ...pair });
    log.info("Serving certificate renewed");
  });
  return front;
}
