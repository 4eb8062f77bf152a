import { randomUUID } from "node:crypto";
import { createHealthServer, createMetrics, type Logger, type Runnable } from "#runtime";
import {
  certificateIdentity,
  createTunnelServer,
  type ListenerOptions,
  loadTlsFiles,
  type StrategyName,
  sharedIdentity,
  strategyNames,
  type TlsSource,
} from "#tunnel";
import { type Flag, type FlagValues, UsageError } from "./flags.ts";
import { runProcess } from "./process.ts";
import { checkFile, checkPair, cipherList, minTlsVersion } from "./tls-flags.ts";
import { klogFlags, klogReasons, refuseUnsupported } from "./unsupported.ts";

const flags = {
  "server-cert": { type: "string", default: "", help: "Certificate that frontends see" },
  "server-key": { type: "string", default: "", help: "Key of that certificate" },
  "server-ca-cert": { type: "string", default: "", help: "CA of the frontends' certificates" },
  "cluster-cert": { type: "string", default: "", help: "Certificate that agents see" },
  "cluster-key": { type: "string", default: "", help: "Key of that certificate" },
  "cluster-ca-cert": { type: "string", default: "", help: "CA of the agents' certificates" },
  mode: { type: "string", default: "grpc", help: "How frontends speak: grpc" },
  "uds-name": { type: "string", default: "", help: "Not supported yet" },
  "delete-existing-uds-file": { type: "boolean", default: true, help: "Not supported yet" },
  "server-port": { type: "int", default: 8090, help: "Port for frontends" },
  "server-bind-address": { type: "string", default: "", help: "Address for frontends" },
  "agent-port": { type: "int", default: 8091, help: "Port for agents" },
  "agent-bind-address": { type: "string", default: "", help: "Address for agents" },
  "health-port": { type: "int", default: 8092, help: "Port of the health endpoints" },
  "health-bind-address": { type: "string", default: "", help: "Address of the health endpoints" },
  "admin-port": { type: "int", default: 8095, help: "Port of metrics again" },
  "admin-bind-address": { type: "string", default: "127.0.0.1", help: "Address of metrics again" },
  "keepalive-time": { type: "duration", default: "1h0m0s", help: "Time between pings to agents" },
  "frontend-keepalive-time": {
    type: "duration",
    default: "1h0m0s",
    help: "Time between pings to frontends",
  },
  "enable-profiling": { type: "boolean", default: false, help: "Not supported" },
  "enable-contention-profiling": { type: "boolean", default: false, help: "Not supported" },
  "server-id": { type: "string", default: "", help: "Name of this server; random when empty" },
  "server-count": { type: "int", default: 1, help: "Servers that agents should look for" },
  "agent-namespace": { type: "string", default: "", help: "Not supported yet" },
  "agent-service-account": { type: "string", default: "", help: "Not supported yet" },
  "authentication-audience": { type: "string", default: "", help: "Not supported yet" },
  kubeconfig: { type: "string", default: "", help: "Not supported yet" },
  "kubeconfig-qps": { type: "int", default: 0, help: "Accepted without effect" },
  "kubeconfig-burst": { type: "int", default: 0, help: "Accepted without effect" },
  "kube-api-content-type": {
    type: "string",
    default: "application/vnd.kubernetes.protobuf",
    help: "Accepted without effect",
  },
  "proxy-strategies": {
    type: "list",
    default: ["default"],
    help: "How agents are chosen, in order",
  },
  "cipher-suites": { type: "list", default: [], help: "TLS 1.2 suites in Go's names" },
  "tls-min-version": { type: "string", default: "", help: "VersionTLS12 or VersionTLS13" },
  "xfr-channel-size": { type: "int", default: 10, help: "Accepted: queues are bounded in bytes" },
  "enable-lease-controller": { type: "boolean", default: false, help: "Not supported yet" },
  "lease-namespace": { type: "string", default: "kube-system", help: "Not supported yet" },
  "lease-label": {
    type: "string",
    default: "k8s-app=konnectivity-server",
    help: "Not supported yet",
  },
  "graceful-shutdown-timeout": {
    type: "duration",
    default: "0s",
    help: "How long open streams may go on at the end",
  },
  "backend-dial-timeout": {
    type: "duration",
    default: "30s",
    help: "How long an agent may take to answer a dial",
  },
  "warn-on-channel-limit": { type: "boolean", default: true, help: "Accepted without effect" },
  "agent-identity": {
    type: "string",
    default: "shared",
    help: "shared: any agent may serve any host; certificate: only those its certificate names",
  },
  "shared-agent-name": {
    type: "list",
    default: [],
    help: "With --agent-identity=certificate: common names that may serve any host all the same",
  },
  ...klogFlags,
} as const satisfies Readonly<Record<string, Flag>>;

type Values = FlagValues<typeof flags>;

/** `tunnel-server`: konnectivity's proxy server. */
export function run(argv: readonly string[]): Promise<number> {
  const summary = "Joins frontends on the hub and agents of managed clusters.";
  return runProcess({ name: "tunnel-server", summary, flags, build }, argv);
}

async function build(values: Values, log: Logger): Promise<readonly Runnable[]> {
  await check(values);
  const [frontendTls, agentTls] = await Promise.all([
    loadTls(values, "server", log),
    loadTls(values, "cluster", log),
  ]);
  const metrics = createMetrics();
  const server = createTunnelServer({
    serverId: values["server-id"] || process.env["PROXY_SERVER_ID"] || randomUUID(),
    serverCount: () => values["server-count"],
    frontends: listener(values, "server", frontendTls),
    agents: listener(values, "agent", agentTls),
    strategies: strategiesOf(values["proxy-strategies"]),
    metrics,
    log,
    dialTimeoutMs: values["backend-dial-timeout"],
    authorizeAgent: identityOf(values),
  });
  const health = createHealthServer({
    ...bindAddress(values["health-bind-address"]),
    port: values["health-port"],
    ready: { agents: () => server.reasonNotReady() },
    metrics,
  });
  const admin = createHealthServer({
    ...bindAddress(values["admin-bind-address"]),
    port: values["admin-port"],
    metrics,
  });
  return [server, frontendTls, agentTls, health, admin];
}

function loadTls(values: Values, prefix: "server" | "cluster", log: Logger) {
  return loadTlsFiles(
    {
      caFile: values[`${prefix}-ca-cert`],
      certFile: values[`${prefix}-cert`],
      keyFile: values[`${prefix}-key`],
    },
    { log },
  );
}

function listener(values: Values, prefix: "server" | "agent", tls: TlsSource): ListenerOptions {
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

function bindAddress(host: string): { readonly host?: string } {
  return host === "" ? {} : { host };
}

async function check(values: Values): Promise<void> {
  refuse(values);
  if (values["server-ca-cert"] === "") {
    throw new UsageError("server ca cert must be set when in TCP mode (uds-name is empty)");
  }
  if (values["cluster-ca-cert"] === "") throw new UsageError("cluster ca cert must be set");
  for (const prefix of ["server", "cluster"] as const) {
    const pair = { certFlag: `${prefix}-cert`, keyFlag: `${prefix}-key` } as const;
    const [cert, key] = [values[pair.certFlag], values[pair.keyFlag]];
    checkPair({ ...pair, cert, key });
    if (cert === "") throw new UsageError(`${prefix} cert must be set`);
    for (const flag of [pair.certFlag, pair.keyFlag, `${prefix}-ca-cert`] as const) {
      await checkFile(flag, values[flag]);
    }
  }
  for (const name of ["server", "agent", "health", "admin"] as const) {
    checkPort(name, values[`${name}-port`]);
  }
  if (values["xfr-channel-size"] <= 0) {
    throw new UsageError(`channel size ${values["xfr-channel-size"]} must be greater than 0`);
  }
}

function refuse(values: Values): void {
  if (values.mode !== "grpc" && values.mode !== "http-connect") {
    throw new UsageError(
      `mode must be set to either 'grpc' or 'http-connect' not "${values.mode}"`,
    );
  }
  const noTokens = "agents are known by their certificates";
  const noLeases = "Leases of tunnel servers are not supported";
  refuseUnsupported(flags, values, {
    mode: "frontends speak gRPC",
    "uds-name": "frontends connect over TCP",
    "agent-namespace": noTokens,
    "agent-service-account": noTokens,
    "authentication-audience": noTokens,
    kubeconfig: noTokens,
    "enable-lease-controller": noLeases,
    "lease-namespace": noLeases,
    "lease-label": noLeases,
    "enable-profiling": "use node --inspect",
    "enable-contention-profiling": "use node --inspect",
    ...klogReasons,
  });
}

const [firstUserPort, lastUserPort] = [1024, 49_151];

function checkPort(name: string, port: number): void {
  if (port > lastUserPort) {
    throw new UsageError(`please do not try to use ephemeral port ${port} for the ${name} port`);
  }
  if (port < firstUserPort) {
    throw new UsageError(`please do not try to use reserved port ${port} for the ${name} port`);
  }
}

function strategiesOf(names: readonly string[]): readonly StrategyName[] {
  if (names.length === 0) throw new UsageError("ProxyStrategies cannot be empty");
  return names.map((name) => {
    const known = strategyNames.find((strategy) => strategy === name);
    if (known === undefined) throw new UsageError(`invalid proxy strategies: ${name}`);
    return known;
  });
}

function identityOf(values: Values) {
  const name = values["agent-identity"];
  if (name === "shared") return sharedIdentity;
  if (name === "certificate") return certificateIdentity(values["shared-agent-name"]);
  throw new UsageError(`Cannot use --agent-identity=${name}: expected shared or certificate`);
}
