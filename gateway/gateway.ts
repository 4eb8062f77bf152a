import {
  accountOutputKinds,
  accountOutputLabels,
  clusterSecretLabels,
  configMaps,
  managedClusters,
  secrets,
} from "#api";
import { createEventRecorder, createObjectCache, type KubeClient, labelSelector } from "#kube";
import { createFront, type Front, type FrontOptions, type FrontTls } from "#proxy";
import { type Logger, type Metrics, type Runnable, runAll, sleep } from "#runtime";
import { metadataOfAll } from "./audit/audit-policy.ts";
import { type AuditorOptions, createAuditor } from "./audit/auditor.ts";
import { type Authenticate, createAuthenticate } from "./authentication/authenticate.ts";
import { createTokenReader, type TokenReaderOptions } from "./authentication/token-reader.ts";
import { trustConfigMap } from "./authentication/trust.ts";
import { followTrust, type TrustSource } from "./authentication/trust-source.ts";
import { createAuthorize, type DecisionTtls } from "./authorization/access-review.ts";
import { type ClusterStore, createClusterStore } from "./clusters/cluster-store.ts";
import { createDocuments } from "./documents-handler.ts";
import type { ExecPolicy } from "./exec/exec-credentials.ts";
import { createGatewayMetrics } from "./gateway-metrics.ts";
import { createObjectHandlers } from "./handlers.ts";
import { defaultSettings, type IdentitySettings } from "./identity/configuration.ts";
import { createExternalExchanger } from "./identity/external-exchanger.ts";
import { createIdentify, type Identify } from "./identity/identify.ts";
import {
  type ClusterLimits,
  createClusterLimits,
  type LimitOptions,
} from "./limits/cluster-limits.ts";
import {
  type ClusterGatewayWriter,
  createClusterGatewayWriter,
} from "./objects/cluster-gateway-writer.ts";
import { createPassStore } from "./passes/pass-store.ts";
import type { TunnelDial } from "./proxying/cluster-transports.ts";
import { createClusterWays } from "./proxying/cluster-ways.ts";
import { createFailureLog } from "./proxying/failure-log.ts";
import { createProxyCluster } from "./proxying/proxy-cluster.ts";
import { type CountRefusal, createRefusals } from "./refusals.ts";
import { createRequestHandler } from "./request-handler.ts";

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
  /** What `/version` says. */
  readonly version: string;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** How long it goes on serving after it says that it is not ready. Defaults to 5 seconds. */
  readonly lameDuckMs?: number;
  /** How long requests may go on after that. Defaults to 15 seconds. */
  readonly drainMs?: number;
}

/** The aggregated API server, and the direct door to the same. */
export interface Gateway extends Runnable {
  /** Where it listens, once it does. */
  readonly port: Promise<number>;
  /** Why it should get no requests now, or `undefined`. */
  reasonNotReady(): string | undefined;
}

const silentAudit = { policy: () => metadataOfAll, sinks: [] };
const sharedSettings = defaultSettings("Shared");

/** Builds a gateway. Nothing is asked or served before `run`. */
export function createGateway(options: GatewayOptions): Gateway {
  const { log, isWritable = false } = options;
  const caches = createCaches(options);
  const trust = followTrust(caches.trust, log);
  const clusters = storeOf(options, caches);
  const winding = new AbortController();
  const draining = new AbortController();
  const reasonNotStarted = () => trust.reasonNotReady() ?? clusters.reasonNotReady();
  const reasonNotReady = () => (winding.signal.aborted ? "shutting down" : reasonNotStarted());
  const ways = createClusterWays(options, clusters);
  const refused = createRefusals(options.metrics);
  const handle = createRequestHandler({
    authenticate: authenticateBy(trust, options),
    authorize: createAuthorize(options.client, options.decisionTtls),
    authorizesPaths: options.authorizesPaths ?? false,
    passes: createPassStore(caches.passes),
    answerDocument: createDocuments(options.version, isWritable),
    objects: createObjectHandlers({
      ...options,
      ...caches,
      clusters,
      writer: writerOf(options, caches, clusters),
      live: ways.live,
      signal: winding.signal,
    }),
    proxyCluster: createProxyCluster({
      ...options,
      clusters,
      failures: createFailureLog({ log }),
      endOfWatches: draining.signal,
      ...ways,
      identify: identifyWith(options, caches),
    }),
    audit: createAuditor(options.audit ?? silentAudit),
    limits: limitsOf(options, clusters),
    isCluster: (name) => clusters.find(name).kind !== "unknown",
    reasonNotStarted,
    reasonNotReady,
    metrics: options.metrics,
    gatewayMetrics: createGatewayMetrics(options.metrics),
    refused,
    log,
  });
  const front = createGatewayFront(options, trust, handle, refused);
  const serving = windDown(front, { winding, draining }, options, () => ways.transports.destroy());
  return {
    name: "gateway",
    port: front.port,
    reasonNotReady,
    run: (signal) => runAll([...caches.all, serving], signal),
  };
}

function writerOf(
  options: GatewayOptions,
  caches: ReturnType<typeof createCaches>,
  clusters: ClusterStore,
): ClusterGatewayWriter | undefined {
  if (options.isWritable !== true) return undefined;
  return createClusterGatewayWriter({ ...options, ...caches, clusters });
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

function storeOf(
  { client, secretNamespace, showCredentials, log }: GatewayOptions,
  { secrets: cache, managedClusters: clusterCache }: ReturnType<typeof createCaches>,
): ClusterStore {
  const events = createEventRecorder(client, "cluster-gateway", log);
  return createClusterStore({
    secrets: cache,
    managedClusters: clusterCache,
    secretNamespace,
    showCredentials,
    onFault: (secret, message) =>
      void events.record(secrets, secret, { type: "Warning", reason: "InvalidSecret", message }),
    log,
  });
}

function authenticateBy(trust: TrustSource, options: GatewayOptions): Authenticate {
  return createAuthenticate({
    trust: () => trust.current,
    reviewToken: createTokenReader(options),
  });
}

function identifyWith(
  { client, secretNamespace, identity, exchangerCa, log }: GatewayOptions,
  { secrets: cache }: ReturnType<typeof createCaches>,
): Identify {
  const events = createEventRecorder(client, "cluster-gateway", log);
  return createIdentify({
    settings: identity ?? (() => sharedSettings),
    exchange: createExternalExchanger({ ca: exchangerCa ?? (() => undefined) }),
    onFault(cluster, message) {
      log.error("Identity rule cannot be used", { cluster, fault: message });
      const secret = cache.get(`${secretNamespace}/${cluster}`);
      const event = { type: "Warning", reason: "InvalidIdentityRule", message } as const;
      if (secret !== undefined) void events.record(secrets, secret, event);
    },
  });
}

function createCaches({ client, secretNamespace, usesManagedClusters, log }: GatewayOptions) {
  const trust = createObjectCache(client, configMaps, {
    namespace: trustConfigMap.namespace,
    fieldSelector: `metadata.name=${trustConfigMap.name}`,
    log,
  });
  const secretCache = createObjectCache(client, secrets, {
    namespace: secretNamespace,
    labelSelector: clusterSecretLabels.credentialType,
    log,
  });
  const clusterCache = usesManagedClusters
    ? createObjectCache(client, managedClusters, { log })
    : undefined;
  const passes = createObjectCache(client, configMaps, {
    namespace: secretNamespace,
    labelSelector: labelSelector({ [accountOutputLabels.output]: accountOutputKinds.gatewayPass }),
    log,
  });
  return {
    trust,
    passes,
    secrets: secretCache,
    managedClusters: clusterCache,
    all: [trust, secretCache, passes, ...(clusterCache === undefined ? [] : [clusterCache])],
  };
}

function createGatewayFront(
  { certificate, host, port, log, drainMs = 15_000 }: GatewayOptions,
  trust: TrustSource,
  handle: FrontOptions["handle"],
  refused: CountRefusal,
): Front {
  const onMalformed = () => refused("malformed");
  const tls = (): FrontTls => ({ ...certificate.current, clientCas: trust.current.caPems });
  const where = host === undefined ? { port } : { host, port };
  const front = createFront({ ...where, handle, onMalformed, tls: tls(), log, drainMs });
  trust.onChange(() => front.secure(tls()));
  certificate.onChange((pair) => {
    front.secure({ ...tls(), ...pair });
    log.info("Serving certificate renewed");
  });
  return front;
}

/**
 * Says first that it is not ready and goes on serving, until whoever sends requests has heard it.
 * Then watches end, and their clients come back on a connection to another gateway.
 */
function windDown(
  front: Front,
  { winding, draining }: Readonly<Record<"winding" | "draining", AbortController>>,
  { lameDuckMs = 5000 }: GatewayOptions,
  cleanUp: () => void,
): Runnable {
  return {
    name: front.name,
    async run(signal) {
      signal.addEventListener("abort", () => {
        winding.abort();
        void sleep(lameDuckMs, draining.signal).then(
          () => draining.abort(),
          () => undefined,
        );
      });
      try {
        await front.run(draining.signal);
      } finally {
        draining.abort();
        cleanUp();
      }
    },
  };
}
