import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createManagedTunnel, type ManagedTunnelOptions } from "#agent/tunnel";
import { createKubeClient, type KubeClient } from "#kube";
import {
  createHealthServer,
  createMetrics,
  createProfileRoutes,
  describeError,
  type Logger,
  type Metrics,
  type ProxyChooser,
  type Runnable,
} from "#runtime";
import {
  createDialPolicy,
  type DialPolicy,
  type ServerCountSource,
  unknownIdentifiers,
} from "#tunnel";
import { agentTunnelFlags } from "./agent-tunnel-flags.ts";
import { type FlagValues, UsageError } from "./flags.ts";
import { checkProfiling } from "./konnectivity-flags.ts";
import { countAgentLeases } from "./lease-metrics.ts";
import { createOwnPodTeller } from "./own-pod.ts";
import type { ProcessOptions } from "./process.ts";
import { readProxies } from "./proxy-flags.ts";
import { checkServiceProxy, openServiceProxy } from "./service-proxy-flags.ts";
import { checkFile, checkPair } from "./tls-flags.ts";
import { createTlsWatch } from "./tls-watch.ts";
import { klogReasons, refuseUnsupported } from "./unsupported.ts";

type Values = FlagValues<typeof agentTunnelFlags>;

/** `agent tunnel`: konnectivity's agent and what the cluster-proxy addon needs beside it. */
export const agentTunnel: ProcessOptions<typeof agentTunnelFlags> = {
  name: "agent tunnel",
  summary: "Keeps a tunnel from this managed cluster to the hub.",
  flags: agentTunnelFlags,
  build,
};

async function build(values: Values, log: Logger): Promise<readonly Runnable[]> {
  await check(values);
  const metrics = createMetrics();
  const chooseProxy = await readProxies(values, process.env);
  const cluster = await clusterOptions(values, metrics, chooseProxy);
  const tell = createOwnPodTeller(cluster.lease?.spoke, "tunnel-agent", log);
  const watchTls = createTlsWatch({ metrics, log, tell });
  const tls = await watchTls({
    ca: ["ca-cert", values["ca-cert"]],
    cert: ["agent-cert", values["agent-cert"]],
    key: ["agent-key", values["agent-key"]],
  });
  const policy = dialPolicy(values);
  const services = await openServiceProxy(values, {
    openClient: async () => cluster.lease?.spoke ?? client(values.kubeconfig),
    policy,
    watchTls,
    metrics,
    log,
  });
  const tunnel = createManagedTunnel({
    agent: {
      ...agentOptions(values, chooseProxy),
      ownTarget: services.ownTarget,
      policy,
      tls,
      metrics,
      log,
    },
    log,
    ...cluster,
  });
  const health = createHealthServer({
    ...(values["health-server-host"] !== "" && { host: values["health-server-host"] }),
    port: values["health-server-port"],
    ready: { "server-connected": () => tunnel.agent.reasonNotReady(), ...services.ready },
    style: "checks",
    metrics,
  });
  const admin = createHealthServer({
    host: values["admin-bind-address"],
    port: values["admin-server-port"],
    metrics: { redirectToPort: values["health-server-port"] },
    ...(values["enable-profiling"] && { routes: createProfileRoutes() }),
  });
  return [...tunnel.runnables, ...services.runnables, tls, health, admin];
}

function agentOptions(values: Values, chooseProxy: ProxyChooser) {
  const [host, port] = [values["proxy-server-host"], values["proxy-server-port"]];
  const tokenPath = values["service-account-token-path"];
  return {
    address: joinAddress(host, port),
    proxy: chooseProxy(host, port),
    agentId: values["agent-id"] || process.env["PROXY_AGENT_ID"] || randomUUID(),
    identifiers: values["agent-identifiers"],
    syncIntervalMs: values["sync-interval"],
    syncIntervalCapMs: values["sync-interval-cap"],
    isSyncForever: values["sync-forever"],
    serverCountSource: countSource(values["server-count-source"]),
    keepaliveTimeMs: values["keepalive-time"],
    ...(tokenPath !== "" && { readToken: () => readFile(tokenPath, "utf8") }),
  };
}

/** What needs a Kubernetes API: the hub's, the managed cluster's, or none. */
async function clusterOptions(
  values: Values,
  metrics: Metrics,
  chooseProxy: ProxyChooser,
): Promise<Pick<ManagedTunnelOptions, "portForward" | "lease" | "serverLeases">> {
  const podNamespace = process.env["POD_NAMESPACE"] ?? "";
  const needsSpoke = podNamespace !== "" || values["count-server-leases"];
  const spoke = needsSpoke ? await client(values.kubeconfig) : undefined;
  return {
    ...(values["enable-port-forward-proxy"] && {
      portForward: {
        hub: await client(values["hub-kubeconfig"], chooseProxy),
        namespace: values["proxy-server-namespace"],
        podPort: values["port-forward-target-port"],
        localPort: values["proxy-server-port"],
      },
    }),
    ...(spoke !== undefined &&
      podNamespace !== "" && { lease: { spoke, namespace: podNamespace } }),
    ...(spoke !== undefined &&
      values["count-server-leases"] && {
        serverLeases: {
          client: countAgentLeases(spoke, metrics),
          namespace: values["lease-namespace"],
          labelSelector: values["lease-label"] || values["lease-label-selector"],
        },
      }),
  };
}

/** The managed cluster's own API is reached directly, whatever the environment says. */
function client(kubeconfig: string, chooseProxy?: ProxyChooser): Promise<KubeClient> {
  const userAgent = "spokeway-agent-tunnel";
  const environment = process.env;
  const given = kubeconfig || undefined;
  return createKubeClient({ kubeconfig: given, environment, userAgent, chooseProxy });
}

async function check(values: Values): Promise<void> {
  refuseUnsupported(agentTunnelFlags, values, {
    "alpn-proto": "connections always offer h2 alone",
    ...klogReasons,
  });
  checkPair({
    certFlag: "agent-cert",
    cert: values["agent-cert"],
    keyFlag: "agent-key",
    key: values["agent-key"],
  });
  if (values["ca-cert"] === "") throw new UsageError("--ca-cert must be set");
  for (const flag of [
    "ca-cert",
    "agent-cert",
    "agent-key",
    "service-account-token-path",
  ] as const) {
    await checkFile(flag, values[flag]);
  }
  checkServiceProxy(values);
  checkNumbers(values);
  const unknown = unknownIdentifiers(values["agent-identifiers"]);
  if (unknown.length > 0) {
    throw new UsageError(`agent address is invalid: unknown address type: ${unknown.join(", ")}`);
  }
  if (values["enable-port-forward-proxy"] && values["hub-kubeconfig"] === "") {
    throw new UsageError("--enable-port-forward-proxy needs --hub-kubeconfig");
  }
}

function checkNumbers(values: Values): void {
  checkProfiling(values);
  for (const flag of [
    "proxy-server-port",
    "port-forward-target-port",
    "health-server-port",
    "admin-server-port",
  ] as const) {
    const port = values[flag];
    const name = flag.replaceAll("-", " ");
    if (port <= 0) throw new UsageError(`${name} ${port} must be greater than 0`);
  }
  if (values["xfr-channel-size"] <= 0) {
    throw new UsageError(`channel size ${values["xfr-channel-size"]} must be greater than 0`);
  }
  const [interval, cap] = [values["sync-interval"], values["sync-interval-cap"]];
  if (interval > cap) {
    throw new UsageError(
      `sync interval ${interval}ms must be less than sync interval cap ${cap}ms`,
    );
  }
}

function dialPolicy(values: Values): DialPolicy {
  try {
    return createDialPolicy({
      refusedNetworks: values["refuse-target-networks"],
      allowedNetworks: values["allow-target-networks"],
      allowedPorts: values["allow-target-ports"],
    });
  } catch (error) {
    throw new UsageError(`Cannot use the rules for targets: ${describeError(error)}`);
  }
}

function countSource(text: string): ServerCountSource {
  if (text === "" || text === "default") return "default";
  if (text === "max") return "max";
  throw new UsageError(`--server-count-source must be one of '', 'default', 'max', got ${text}`);
}

function joinAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
