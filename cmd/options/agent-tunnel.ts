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
  refusedByDefault,
  type ServerCountSource,
  unknownIdentifiers,
} from "#tunnel";
import { type Flag, type FlagValues, UsageError } from "./flags.ts";
import { countAgentLeases } from "./lease-metrics.ts";
import { createOwnPodTeller } from "./own-pod.ts";
import type { ProcessOptions } from "./process.ts";
import { proxyFlags, readProxies } from "./proxy-flags.ts";
import { checkFile, checkPair } from "./tls-flags.ts";
import { createTlsWatch } from "./tls-watch.ts";
import { klogFlags, klogReasons, refuseUnsupported } from "./unsupported.ts";

const flags = {
  "agent-cert": { type: "string", default: "", help: "Client certificate for the tunnel servers" },
  "agent-key": { type: "string", default: "", help: "Key of the client certificate" },
  "ca-cert": { type: "string", default: "", help: "CA of the tunnel servers' certificates" },
  "proxy-server-host": { type: "string", default: "127.0.0.1", help: "Host of the tunnel servers" },
  "proxy-server-port": { type: "int", default: 8091, help: "Port of the tunnel servers" },
  "alpn-proto": { type: "list", default: [], help: "Not supported" },
  "health-server-host": { type: "string", default: "", help: "Address of the health endpoints" },
  "health-server-port": { type: "int", default: 8093, help: "Port of the health endpoints" },
  "admin-bind-address": { type: "string", default: "127.0.0.1", help: "Address of the admin port" },
  "admin-server-port": { type: "int", default: 8094, help: "Port of profiles" },
  "enable-profiling": {
    type: "boolean",
    default: false,
    help: "Serve V8 profiles on the admin port: /debug/pprof/profile?seconds=30, /debug/pprof/heap",
  },
  "enable-contention-profiling": {
    type: "boolean",
    default: false,
    help: "Accepted: there are no locks to profile",
  },
  "agent-id": { type: "string", default: "", help: "Name of this agent; random when empty" },
  "sync-interval": { type: "duration", default: "1s", help: "Wait between looks for servers" },
  "sync-interval-cap": { type: "duration", default: "2s", help: "Longest wait while looks fail" },
  "probe-interval": {
    type: "duration",
    default: "1s",
    help: "Accepted: streams tell by themselves",
  },
  "keepalive-time": {
    type: "duration",
    default: "35s",
    help: "Time between pings; servers of ours are pinged at least every 10s",
  },
  "service-account-token-path": { type: "string", default: "", help: "Token for the servers" },
  "agent-identifiers": { type: "string", default: "", help: "What it can reach: host=a&host=b" },
  "warn-on-channel-limit": { type: "boolean", default: false, help: "Accepted without effect" },
  "sync-forever": { type: "boolean", default: false, help: "Go on looking for servers" },
  "xfr-channel-size": { type: "int", default: 150, help: "Accepted: queues are bounded in bytes" },
  "count-server-leases": { type: "boolean", default: false, help: "Count servers by their Leases" },
  "lease-namespace": { type: "string", default: "kube-system", help: "Namespace of those Leases" },
  "lease-label-selector": {
    type: "string",
    default: "k8s-app=konnectivity-server",
    help: "Labels of those Leases",
  },
  "lease-label": { type: "string", default: "", help: "Old name of --lease-label-selector" },
  "server-count-source": { type: "string", default: "default", help: "default or max" },
  kubeconfig: {
    type: "string",
    default: "",
    help: "Of the managed cluster; the pod's own if empty",
  },
  "kube-api-content-type": {
    type: "string",
    default: "application/vnd.kubernetes.protobuf",
    help: "Accepted: JSON is spoken",
  },
  "hub-kubeconfig": { type: "string", default: "", help: "The addon's kubeconfig of the hub" },
  "cluster-name": { type: "string", default: "", help: "Name of the managed cluster" },
  "proxy-server-namespace": {
    type: "string",
    default: "open-cluster-management-addon",
    help: "Namespace of the tunnel servers on the hub",
  },
  "enable-port-forward-proxy": {
    type: "boolean",
    default: false,
    help: "Reach the tunnel servers through the hub's API server, at a port of 127.0.0.1",
  },
  "port-forward-target-port": {
    type: "int",
    default: 8091,
    help: "Port of the tunnel servers' pods that is forwarded to",
  },
  "enable-proxy-agent-health-check": {
    type: "boolean",
    default: true,
    help: "Accepted: the Lease is renewed only while the tunnel is up",
  },
  "refuse-target-networks": {
    type: "list",
    default: refusedByDefault,
    help: "Networks that the agent connects to for nobody",
  },
  "allow-target-networks": {
    type: "list",
    default: [],
    help: "Networks that it connects to although they are refused",
  },
  "allow-target-ports": {
    type: "list",
    default: [],
    help: "Ports and ranges that it connects to, as 443,8000-8100; any when empty",
  },
  ...proxyFlags,
  ...klogFlags,
} as const satisfies Readonly<Record<string, Flag>>;

type Values = FlagValues<typeof flags>;

/** `agent tunnel`: konnectivity's agent and what the cluster-proxy addon needs beside it. */
export const agentTunnel: ProcessOptions<typeof flags> = {
  name: "agent tunnel",
  summary: "Keeps a tunnel from this managed cluster to the hub.",
  flags,
  build,
};

async function build(values: Values, log: Logger): Promise<readonly Runnable[]> {
  await check(values);
  const metrics = createMetrics();
  const chooseProxy = await readProxies(values, process.env);
  const cluster = await clusterOptions(values, metrics, chooseProxy);
  const tell = createOwnPodTeller(cluster.lease?.spoke, "tunnel-agent", log);
  const tls = await createTlsWatch({ metrics, log, tell })({
    ca: ["ca-cert", values["ca-cert"]],
    cert: ["agent-cert", values["agent-cert"]],
    key: ["agent-key", values["agent-key"]],
  });
  const tunnel = createManagedTunnel({
    agent: { ...agentOptions(values, chooseProxy), tls, metrics, log },
    log,
    ...cluster,
  });
  const ready = { "server-connected": () => tunnel.agent.reasonNotReady() };
  const health = createHealthServer({
    ...(values["health-server-host"] !== "" && { host: values["health-server-host"] }),
    port: values["health-server-port"],
    ready,
    style: "checks",
    metrics,
  });
  const admin = createHealthServer({
    host: values["admin-bind-address"],
    port: values["admin-server-port"],
    metrics: { redirectToPort: values["health-server-port"] },
    ...(values["enable-profiling"] && { routes: createProfileRoutes() }),
  });
  return [...tunnel.runnables, tls, health, admin];
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
    policy: dialPolicy(values),
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
  refuseUnsupported(flags, values, {
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
  if (values["enable-contention-profiling"] && !values["enable-profiling"]) {
    throw new UsageError(
      "if --enable-contention-profiling is set, --enable-profiling must also be set",
    );
  }
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
