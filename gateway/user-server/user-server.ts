import { configMaps, managedClusters, managedProxyConfigurations } from "#api";
import { createObjectCache, type KubeClient } from "#kube";
import { createFront, type Front, type FrontOptions } from "#proxy";
import { type Logger, type Metrics, type Runnable, runAll } from "#runtime";
import type { TlsSource } from "#tunnel";
import { type AuditorOptions, createAuditor, silentAudit } from "../audit/auditor.ts";
import { createTokenReader, type TokenReaderOptions } from "../authentication/token-reader.ts";
import { createAuthorize } from "../authorization/access-review.ts";
import type { ServingCertificate } from "../gateway.ts";
import { createGatewayMetrics } from "../gateway-metrics.ts";
import { createClusterLimits } from "../limits/cluster-limits.ts";
import type { TunnelDial } from "../proxying/cluster-transports.ts";
import { type CountRefusal, createRefusals } from "../refusals.ts";
import { windDown } from "../wind-down.ts";
import { createAgentTransports } from "./agent-transports.ts";
import { createIdentifyCaller } from "./caller.ts";
import { followExposedServices } from "./exposed-list.ts";
import { createHubKeys } from "./hub-keys.ts";
import { createUserHandler } from "./user-handler.ts";

export interface UserServerOptions
  extends Pick<TokenReaderOptions, "oidc" | "oidcCa" | "decisionTtls"> {
  readonly host?: string;
  readonly port: number;
  readonly certificate: ServingCertificate;
  /** The hub. */
  readonly client: KubeClient;
  /** The ConfigMap that lists the Services that may be reached. */
  readonly exposedServices: { readonly namespace: string; readonly name: string };
  /** The way through the tunnel. */
  readonly tunnelDial: TunnelDial;
  /** The same, whose connections need not be open yet: each saves a round trip to its cluster. */
  readonly tunnelDialEarly: TunnelDial;
  /** Our certificate for the service proxies, and in `ca` whom theirs come from. */
  readonly serviceProxyTls: TlsSource;
  /** Where requests to managed clusters are recorded. Defaults to nowhere. */
  readonly audit?: Pick<AuditorOptions, "policy" | "sinks"> | undefined;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** How long it goes on serving after it says that it is not ready. Defaults to 10 seconds. */
  readonly lameDuckMs?: number;
  /** How long requests may go on after that. Defaults to 20 seconds. */
  readonly drainMs?: number;
}

/** The hub's door to managed clusters for those who come with a token. */
export interface UserServer extends Runnable {
  /** Where it listens, once it does. */
  readonly port: Promise<number>;
  /** Why it should get no requests now, or `undefined`. */
  reasonNotReady(): string | undefined;
}

/** Builds a user server. Nothing is asked or served before `run`. */
export function createUserServer(options: UserServerOptions): UserServer {
  const { client, exposedServices, metrics, log } = options;
  const caches = createCaches(options);
  const transports = createAgentTransports({
    dial: options.tunnelDial,
    dialEarly: options.tunnelDialEarly,
    tls: options.serviceProxyTls,
  });
  const limits = createClusterLimits({ metrics });
  caches.clusters.onChange(({ key, after }) => {
    if (after !== undefined) return;
    transports.close(key);
    limits.forget(key);
  });
  const refused = createRefusals(metrics);
  const waiting = () =>
    caches.all.filter(({ isSynced }) => !isSynced).map(({ name }) => `${name} has not been read`);
  const handle = createUserHandler({
    identify: createIdentifyCaller({
      reviewToken: createTokenReader(options),
      hubKeys: createHubKeys(client),
      oidcIssuer: options.oidc?.issuerUrl,
      authorize: createAuthorize(client),
    }),
    isCluster: (name) => caches.clusters.get(name) !== undefined,
    exposed: followExposedServices(caches.exposed, exposedServices, log),
    exposedIn: `${exposedServices.namespace}/${exposedServices.name}`,
    transports,
    limits,
    audit: createAuditor({
      ...(options.audit ?? silentAudit),
      group: managedProxyConfigurations.group,
    }),
    reasonNotReady: () => waiting()[0],
    metrics: createGatewayMetrics(metrics),
    refused,
    log,
  });
  const front = createUserFront(options, handle, refused);
  const winding = new AbortController();
  const { lameDuckMs = 10_000 } = options;
  const serving = windDown(front, { winding }, { lameDuckMs }, () => transports.destroy());
  return {
    name: "user-server",
    port: front.port,
    reasonNotReady: () => (winding.signal.aborted ? "shutting down" : waiting()[0]),
    run: (signal) => runAll([...caches.all, serving], signal),
  };
}

function createCaches({ client, exposedServices, log }: UserServerOptions) {
  const clusters = createObjectCache(client, managedClusters, { log });
  const exposed = createObjectCache(client, configMaps, {
    namespace: exposedServices.namespace,
    fieldSelector: `metadata.name=${exposedServices.name}`,
    log,
  });
  return { clusters, exposed, all: [clusters, exposed] };
}

function createUserFront(
  { certificate, host, port, log, drainMs = 20_000 }: UserServerOptions,
  handle: FrontOptions["handle"],
  refused: CountRefusal,
): Front {
  const where = host === undefined ? { port } : { host, port };
  const front = createFront({
    ...where,
    handle,
    onRefused: refused,
    tls: certificate.current,
    log,
    drainMs,
  });
  certificate.onChange((pair) => {
    front.secure(pair);
    log.info("Serving certificate renewed");
  });
  return front;
}
