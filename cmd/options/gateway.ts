import { isAbsolute } from "node:path";
import {
  type ClusterGatewayLayout,
  clusterGatewayGroups,
  clusterGatewayLayouts,
  defaultClusterGatewayLayout,
} from "#api";
import {
  type ClusterKeeping,
  createGateway,
  type ExecPolicy,
  type ServingCertificate,
} from "#gateway";
import { createKubeClient, discoverAddonVersion, type KubeClient } from "#kube";
import { createMetrics, type Logger, outlive, type Runnable } from "#runtime";
import { loadTlsFiles } from "#tunnel";
import packageJson from "../../package.json" with { type: "json" };
import { type Flag, type FlagValues, UsageError } from "./flags.ts";
import { accessFlags, openAccess } from "./gateway-access.ts";
import { auditFlags, openAudit } from "./gateway-audit.ts";
import { openTracing, tracingFlags } from "./gateway-tracing.ts";
import { openTunnel, tunnelFlags } from "./gateway-tunnel.ts";
import type { ProcessOptions } from "./process.ts";
import {
  metricsOfAll,
  shareOf,
  startWorkers,
  type WorkerRole,
  workerFlags,
  workerRole,
} from "./workers.ts";

const flags = {
  "bind-address": { type: "string", default: "", help: "Address to listen on; all when empty" },
  "secure-port": { type: "int", default: 443, help: "Port to serve HTTPS on" },
  "tls-cert-file": { type: "string", default: "", help: "Serving certificate, PEM; required" },
  "tls-private-key-file": { type: "string", default: "", help: "Its private key, PEM; required" },
  kubeconfig: {
    type: "string",
    default: "",
    help: "Kubeconfig of the hub; the pod's own service account when empty",
  },
  "api-group": {
    type: "string",
    default: defaultClusterGatewayLayout.group,
    help: `Group that ClusterGateways are served in: ${clusterGatewayGroups.join(" or ")}; it also decides where clusters are kept`,
  },
  "secret-namespace": {
    type: "string",
    default: "vela-system",
    help: "Namespace of the Secrets that make clusters",
  },
  "ocm-integration": {
    type: "boolean",
    default: false,
    help: "Take addresses and CAs from OCM's ManagedClusters",
  },
  "managed-server-name": {
    type: "string",
    default: "kubernetes.default.svc",
    help: "Name that certificates of API servers behind the tunnel must have",
  },
  "managed-serviceaccount-name": {
    type: "string",
    default: "cluster-gateway",
    help: "ManagedServiceAccount of each cluster that its token comes from",
  },
  "writable-clustergateways": {
    type: "boolean",
    default: false,
    help: "Serve ClusterGateways for writing; needs create, patch and delete on the Secrets",
  },
  "show-credentials": {
    type: "boolean",
    default: false,
    help: "Show tokens and keys in ClusterGateways, as upstream does, to all who may read them",
  },
  "exec-allowed-commands": {
    type: "list",
    default: [],
    help: "Absolute paths of programs that Secrets of type Dynamic may run; none when empty",
  },
  "exec-allowed-variables": {
    type: "list",
    default: [],
    help: "Environment variables that Secrets of type Dynamic may set for them; none when empty",
  },
  "user-agent": { type: "string", default: "spokeway-gateway", help: "How we call ourselves" },
  "virtual-clutser-with-control-plane": {
    type: "boolean",
    default: true,
    help: "Kept for compatibility, without effect, as upstream has it",
  },
  "max-requests-inflight": {
    type: "int",
    default: 2000,
    help: "Short requests under way at once, to all clusters; more wait a moment and are then told to try again",
  },
  "max-requests-inflight-per-cluster": {
    type: "int",
    default: 400,
    help: "The same for one cluster, so that a slow one costs the others nothing",
  },
  "max-long-requests-per-cluster": {
    type: "int",
    default: 10_000,
    help: "Watches, followed logs, exec and the like under way at once, to one cluster",
  },
  "max-connections-per-address": {
    type: "int",
    default: 5000,
    help: "Connections that one address may have open at once, a hub's API server included",
  },
  "graceful-shutdown-timeout": {
    type: "duration",
    default: "5m",
    help: "How long followed logs, exec and the like may go on once it is asked to end; watches end at once, and it with the last",
  },
  ...tunnelFlags,
  ...workerFlags,
  ...accessFlags,
  ...auditFlags,
  ...tracingFlags,
} as const satisfies Readonly<Record<string, Flag>>;

type Values = FlagValues<typeof flags>;

const version = `v${packageJson.version}`;

/** How the process `gateway` is started. */
export const gateway: ProcessOptions<typeof flags> = {
  name: "gateway",
  summary: "Serves ClusterGateways as an API of the hub: the way to the APIs of managed clusters.",
  flags,
  async build(values, log, signal) {
    const layout = layoutOf(values);
    checkTogether(values, layout);
    const role = workerRole(values);
    if (role.kind === "starter") return [startWorkers(role, createMetrics(), log)];
    const metrics = metricsOfAll(createMetrics(), role);
    const certificate = await servingCertificate(values, log);
    const access = await openAccess(values, log);
    const audit = await openAudit(values, role, metrics, log);
    const tracing = await openTracing(values, process.env, version, { metrics, log });
    const client = await createKubeClient({
      kubeconfig: values.kubeconfig === "" ? undefined : values.kubeconfig,
      environment: process.env,
      userAgent: values["user-agent"],
    });
    const tunnel = await openTunnel(values, client, { metrics, log });
    const served = createGateway({
      port: values["secure-port"],
      ...(values["bind-address"] === "" ? {} : { host: values["bind-address"] }),
      certificate,
      client,
      keeping: await keepingOf(layout, client, signal),
      secretNamespace: values["secret-namespace"],
      usesManagedClusters: values["ocm-integration"],
      tunnelDial: tunnel.dial,
      tunnelDialEarly: tunnel.dialEarly,
      tunnelServerName: values["managed-server-name"],
      managedServiceAccountName: values["managed-serviceaccount-name"],
      isWritable: values["writable-clustergateways"],
      showCredentials: values["show-credentials"],
      execPolicy: execPolicyOf(values),
      ...access.options,
      audit,
      ...boundsOf(values, role),
      ...sharing(role),
      tracer: tracing.tracer,
      version,
      metrics,
      log,
    });
    const support = [
      certificate.files,
      ...tunnel.runnables,
      ...access.runnables,
      ...audit.runnables,
      ...tracing.runnables,
    ];
    // What is still served while it leaves needs the tunnel and is recorded.
    return [outlive(support, served)];
  },
};

/** How much there may be at once, and for how long when it ends. */
function boundsOf(values: Values, role: WorkerRole) {
  return {
    limits: {
      total: shareOf(values["max-requests-inflight"], role),
      perCluster: shareOf(values["max-requests-inflight-per-cluster"], role),
      longPerCluster: shareOf(values["max-long-requests-per-cluster"], role),
    },
    connectionsPerAddress: shareOf(values["max-connections-per-address"], role),
    drainMs: values["graceful-shutdown-timeout"],
  };
}

/** How one of several workers differs from a gateway that serves alone. */
function sharing({ kind, slot }: WorkerRole) {
  if (kind === "alone") return {};
  // A hub opens another connection, which another worker gets, only when one is full.
  return { streamsPerConnection: 100, recordsEvents: slot === 1, startUpMs: 10_000 };
}

function execPolicyOf(values: Values): ExecPolicy {
  const allowedCommands = values["exec-allowed-commands"];
  for (const command of allowedCommands) {
    if (isAbsolute(command)) continue;
    throw new UsageError(`Cannot use --exec-allowed-commands=${command}: not an absolute path`);
  }
  return { allowedCommands, allowedVariables: values["exec-allowed-variables"] };
}

function layoutOf({ "api-group": wanted }: Values): ClusterGatewayLayout {
  const group = clusterGatewayGroups.find((known) => known === wanted);
  if (group !== undefined) return clusterGatewayLayouts[group];
  const expected = clusterGatewayGroups.join(" or ");
  throw new UsageError(`Cannot use --api-group=${wanted}: expected ${expected}`);
}

/** What only works where clusters are kept in Secrets of one namespace. */
const flagsOfSecrets = [
  "writable-clustergateways",
  "show-credentials",
  "exec-allowed-commands",
] as const;

function checkTogether(values: Values, { keptIn, group }: ClusterGatewayLayout): void {
  if (values["secret-namespace"] === "") {
    throw new UsageError("Cannot use an empty --secret-namespace");
  }
  if (keptIn === "secrets") return;
  const given = flagsOfSecrets.find((flag) => values[flag] !== flags[flag].default);
  if (given !== undefined) throw new UsageError(`Cannot use --${given} with --api-group=${group}`);
}

async function keepingOf(
  { keptIn }: ClusterGatewayLayout,
  client: KubeClient,
  signal: AbortSignal,
): Promise<ClusterKeeping> {
  if (keptIn === "secrets") return { keptIn };
  return { keptIn, addonVersion: await discoverAddonVersion(client, signal) };
}

async function servingCertificate(
  values: Values,
  log: Logger,
): Promise<ServingCertificate & { readonly files: Runnable }> {
  const certFile = required(values, "tls-cert-file");
  const keyFile = required(values, "tls-private-key-file");
  const source = await loadTlsFiles({ certFile, keyFile }, { log });
  const pairOf = ({ cert, key }: typeof source.current) => ({
    cert: cert ?? Buffer.alloc(0),
    key: key ?? Buffer.alloc(0),
  });
  return {
    files: source,
    get current() {
      return pairOf(source.current);
    },
    onChange: (listener) => void source.onChange((material) => listener(pairOf(material))),
  };
}

function required(values: Values, flag: keyof Values): string {
  const value = values[flag];
  if (typeof value === "string" && value !== "") return value;
  throw new UsageError(`Cannot start without --${flag}`);
}
