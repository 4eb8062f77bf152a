import { randomUUID } from "node:crypto";
import {
  createHealthServer,
  createMetrics,
  createProfileRoutes,
  type Logger,
  type Metrics,
  outlive,
  type Runnable,
} from "#runtime";
import {
  type AuthorizeAgent,
  certificateIdentity,
  createTunnelServer,
  type ListenerOptions,
  type SocketFileOptions,
  type StrategyName,
  sharedIdentity,
  strategyNames,
  type TlsSource,
  type TunnelServer,
} from "#tunnel";
import { checkTunnelServer, hasTokenAuthentication } from "./check-tunnel-server.ts";
import { UsageError } from "./flags.ts";
import type { ProcessOptions } from "./process.ts";
import { cipherList, minTlsVersion } from "./tls-flags.ts";
import { createTlsWatch, type TlsFlags } from "./tls-watch.ts";
import { tunnelServerFlags, type TunnelServerValues as Values } from "./tunnel-server-flags.ts";
import type { Hub } from "./tunnel-server-hub.ts";

/** `tunnel-server`: konnectivity's proxy server. */
export const tunnelServer: ProcessOptions<typeof tunnelServerFlags> = {
  name: "tunnel-server",
  summary: "Joins frontends on the hub and agents of managed clusters.",
  flags: tunnelServerFlags,
  build,
};

async function build(values: Values, log: Logger): Promise<readonly Runnable[]> {
  await checkTunnelServer(values);
  const metrics = createMetrics();
  const hub = await loadHub(values, metrics, log);
  const watchTls = createTlsWatch({ metrics, log, tell: hub.tell });
  const isPlain = values["uds-name"] !== "";
  const frontendTls = isPlain ? undefined : await watchTls(tlsFlags(values, "server"));
  const agentTls = await watchTls(tlsFlags(values, "cluster"));
  const serverId = values["server-id"] || process.env["PROXY_SERVER_ID"] || randomUUID();
  const server = createTunnelServer({
    serverId,
    serverCount: () => Math.max(values["server-count"], hub.servers?.current?.length ?? 0),
    servers: hub.servers,
    frontends: frontendTls === undefined ? socketFile(values) : port(values, "server", frontendTls),
    frontendMode: values.mode === "http-connect" ? "http-connect" : "grpc",
    agents: {
      ...port(values, "agent", agentTls),
      admits: hasTokenAuthentication(values) ? "anybody" : "certificate",
    },
    strategies: strategiesOf(values["proxy-strategies"]),
    metrics,
    log,
    ...dialTimeout(values),
    authorizeAgent: hub.authorizeAgent ?? identityOf(values),
  });
  const support = [
    ...(frontendTls === undefined ? [] : [frontendTls]),
    agentTls,
    ...(hub.servers === undefined ? [] : [hub.servers]),
    ...endpoints(values, server, metrics),
  ];
  // The Lease goes at once: nobody is to come any more while connections end.
  return [outlive(support, server), ...hub.lease(serverId)];
}

const noHub: Hub = {
  tell: () => undefined,
  authorizeAgent: undefined,
  lease: () => [],
  servers: undefined,
};

/** Loaded on demand: most servers need no Kubernetes API and do without its code in memory. */
async function loadHub(values: Values, metrics: Metrics, log: Logger): Promise<Hub> {
  if (!hasTokenAuthentication(values) && !values["enable-lease-controller"]) return noHub;
  const { connectHub } = await import("./tunnel-server-hub.ts");
  return connectHub(values, metrics, log);
}

function endpoints(values: Values, server: TunnelServer, metrics: Metrics): readonly Runnable[] {
  return [
    createHealthServer({
      ...bindAddress(values["health-bind-address"]),
      port: values["health-port"],
      ready: { agents: () => server.reasonNotReady() },
      style: "reasons",
      metrics,
    }),
    createHealthServer({
      ...bindAddress(values["admin-bind-address"]),
      port: values["admin-port"],
      metrics,
      ...(values["enable-profiling"] && { routes: createProfileRoutes() }),
    }),
  ];
}

function tlsFlags(values: Values, prefix: "server" | "cluster"): TlsFlags {
  const flag = (part: "ca-cert" | "cert" | "key") => {
    const name = `${prefix}-${part}` as const;
    return [name, values[name]] as const;
  };
  return { ca: flag("ca-cert"), cert: flag("cert"), key: flag("key") };
}

function port(values: Values, prefix: "server" | "agent", tls: TlsSource): ListenerOptions {
  const keepalive = prefix === "agent" ? "keepalive-time" : "frontend-keepalive-time";
  return {
    host: values[`${prefix}-bind-address`],
    port: values[`${prefix}-port`],
    tls,
    ciphers: cipherList(values["cipher-suites"]),
    minVersion: minTlsVersion(values["tls-min-version"]),
    keepaliveTimeMs: values[keepalive],
    graceMs: values["graceful-shutdown-timeout"],
  };
}

function socketFile(values: Values): SocketFileOptions {
  return {
    path: values["uds-name"],
    isReplacing: values["delete-existing-uds-file"],
    keepaliveTimeMs: values["frontend-keepalive-time"],
    graceMs: values["graceful-shutdown-timeout"],
  };
}

function bindAddress(host: string): { readonly host?: string } {
  return host === "" ? {} : { host };
}

/** 0 is upstream's "for ever", which would leave dials behind; ours has a limit of its own. */
function dialTimeout(values: Values): { readonly dialTimeoutMs?: number } {
  const dialTimeoutMs = values["backend-dial-timeout"];
  return dialTimeoutMs === 0 ? {} : { dialTimeoutMs };
}

function strategiesOf(names: readonly string[]): readonly StrategyName[] {
  if (names.length === 0) throw new UsageError("ProxyStrategies cannot be empty");
  return names.map((name) => {
    const known = strategyNames.find((strategy) => strategy === name);
    if (known !== undefined) return known;
    const expected = strategyNames.join(", ");
    throw new UsageError(`invalid proxy strategies: ${name}: expected some of ${expected}`);
  });
}

function identityOf(values: Values): AuthorizeAgent {
  if (values["agent-identity"] === "shared") return sharedIdentity;
  return certificateIdentity(values["shared-agent-name"]);
}
