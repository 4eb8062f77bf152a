import {
  accountOutputKinds,
  accountOutputLabels,
  clusterSecretLabels,
  configMaps,
  managedClusters,
  type Secret,
  secrets,
} from "#api";
import { createEventRecorder, createObjectCache, type KubeClient, labelSelector } from "#kube";
import { createFront, type Front, type FrontOptions, type FrontTls } from "#proxy";
import { type Logger, type Metrics, type Runnable, runAll } from "#runtime";
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
import { createServing } from "./serving.ts";

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
  /** Requests that one connection may carry at once. Defaults to 1,000. */
  readonly streamsPerConnection?: number;
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
  const cleanUp = () => ways.transports.destroy();
  const serving = createServing({ ...options, front, winding, reasonNotStarted, cleanUp });
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
  options: GatewayOptions,
  { secrets: cache, managedClusters: clusterCache }: ReturnType<typeof createCaches>,
): ClusterStore {
  const { secretNamespace, showCredentials, log } = options;
  const warn = warner(options);
  return createClusterStore({
    secrets: cache,
    managedClusters: clusterCache,
    secretNamespace,
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

function identifyWith(
  options: GatewayOptions,
  { secrets: cache }: ReturnType<typeof createCaches>,
): Identify {
  const { secretNamespace, identity, exchangerCa, log } = options;
  const warn = warner(options);
  return createIdentify({
    settings: identity ?? (() => sharedSettings),
    exchange: createExternalExchanger({ ca: exchangerCa ?? (() => undefined) }),
    onFault(cluster, message) {
      log.error("Identity rule cannot be used", { cluster, fault: message });
      const secret = cache.get(`${secretNamespace}/${cluster}`);
      if (secret !== undefined) warn(secret, "InvalidIdentityRule", message);
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
  { certificate, host, port, streamsPerConnection, log, drainMs = 15_000 }: GatewayOptions,
  trust: TrustSource,
  handle: FrontOptions["handle"],
  refused: CountRefusal,
): Front {
  const onMalformed = () => refused("malformed");
  const tls = (): FrontTls => ({ ...certificate.current, clientCas: trust.current.caPems });
  const where = host === undefined ? { port } : { host, port };
  const front = createFront({
    ...where,
    handle,
    onMalformed,
    tls: tls(),
    streamsPerConnection,
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
