import { hostname } from "node:os";
import { createTokenAgent } from "#agent/tokens";
import { createKubeClient, type KubeClient } from "#kube";
import { createHealthServer, createMetrics, type Metrics, type Runnable } from "#runtime";
import { type BindAddress, parseBindAddress } from "./bind-address.ts";
import { parseFeatureGates } from "./feature-gates.ts";
import { type Flag, type FlagValues, UsageError } from "./flags.ts";
import { parsePermissionPolicy } from "./permission-policy.ts";
import type { ProcessOptions } from "./process.ts";
import { proxyFlags, readProxies } from "./proxy-flags.ts";

const flags = {
  "cluster-name": { type: "string", default: "", help: "Name of the managed cluster; required" },
  kubeconfig: {
    type: "string",
    default: "",
    help: "Kubeconfig of the hub; $HUB_KUBECONFIG, then /etc/hub/kubeconfig, when empty",
  },
  "spoke-kubeconfig": {
    type: "string",
    default: "",
    help: "Kubeconfig of the managed cluster; the pod's own service account when empty",
  },
  "lease-health-check": {
    type: "boolean",
    default: false,
    help: "Renew the addon's Lease on the managed cluster while all works",
  },
  "leader-elect": {
    type: "boolean",
    default: false,
    help: "Elect a leader among several agents of one cluster",
  },
  "feature-gates": {
    type: "list",
    default: [],
    help: "EphemeralIdentity=true deletes accounts at the end of their ttlSecondsAfterCreation",
  },
  "adopt-service-accounts": {
    type: "boolean",
    default: false,
    help: "Hand out tokens of ServiceAccounts that others made, without asking for an annotation",
  },
  "permission-policy": {
    type: "string",
    default: "",
    help: "JSON: what accounts may be given with spec.permissions; without it, nothing",
  },
  ...proxyFlags,
  "metrics-bind-address": {
    type: "string",
    default: ":38080",
    help: "Address for metrics; 0 for none",
  },
  "health-probe-bind-address": {
    type: "string",
    default: ":8000",
    help: "Address for /healthz and /readyz; 0 for none",
  },
} as const satisfies Readonly<Record<string, Flag>>;

/** `agent tokens`: the managed-serviceaccount agent. */
export const agentTokens: ProcessOptions<typeof flags> = {
  name: "agent tokens",
  summary:
    "Makes a ServiceAccount for every ManagedServiceAccount of its cluster, and keeps a fresh token of it on the hub.",
  flags,
  async build(values, log) {
    const cluster = values["cluster-name"];
    if (cluster === "") throw new UsageError("Cannot start without --cluster-name");
    const gates = parseFeatureGates(values["feature-gates"], {
      EphemeralIdentity: false,
      ClusterProfile: false,
    });
    const health = parseBindAddress(
      "health-probe-bind-address",
      values["health-probe-bind-address"],
    );
    const scrape = parseBindAddress("metrics-bind-address", values["metrics-bind-address"]);
    const { hub, managed } = await createClients(values);
    const metrics = createMetrics();
    const agent = createTokenAgent({
      hub,
      managed,
      cluster,
      namespace: ownNamespace(managed),
      renewsLease: values["lease-health-check"],
      electionIdentity: values["leader-elect"] ? ownIdentity() : undefined,
      endsEphemeral: gates.EphemeralIdentity,
      adoptsAny: values["adopt-service-accounts"],
      permissionPolicy: parsePermissionPolicy("permission-policy", values["permission-policy"]),
      metrics,
      log,
    });
    return [agent, ...servers({ health, scrape, metrics, ready: { agent: agent.ready } })];
  },
};

/** Unique among agents also where several run on one machine; the same for a pod that restarts. */
function ownIdentity(): string {
  return process.env["POD_NAME"] || `${hostname()}-${process.pid}`;
}

/** The managed cluster's own API is reached directly, whatever the environment says. */
async function createClients(
  values: FlagValues<typeof flags>,
): Promise<{ readonly hub: KubeClient; readonly managed: KubeClient }> {
  const userAgent = "spokeway-agent-tokens";
  // OCM says in the environment where it has put the proxy's authority.
  const proxyCa = values["https-proxy-ca-cert"] || process.env["CA_BUNDLE_FILE_PATH"] || "";
  const chooseProxy = await readProxies({ "https-proxy-ca-cert": proxyCa }, process.env);
  const kubeconfig = values.kubeconfig || process.env["HUB_KUBECONFIG"] || "/etc/hub/kubeconfig";
  const [hub, managed] = await Promise.all([
    createKubeClient({ kubeconfig, chooseProxy, userAgent }),
    createKubeClient({
      kubeconfig: values["spoke-kubeconfig"] || undefined,
      environment: process.env,
      userAgent,
    }),
  ]);
  return { hub, managed };
}

function ownNamespace({ access }: KubeClient): string {
  const namespace = process.env["NAMESPACE"] || process.env["POD_NAMESPACE"] || access.namespace;
  if (namespace === undefined) {
    throw new UsageError("Cannot tell the agent's namespace: set NAMESPACE or POD_NAMESPACE");
  }
  return namespace;
}

interface ServerOptions {
  readonly health: BindAddress | undefined;
  readonly scrape: BindAddress | undefined;
  readonly metrics: Metrics;
  readonly ready: Parameters<typeof createHealthServer>[0]["ready"];
}

function servers({ health, scrape, metrics, ready = {} }: ServerOptions): readonly Runnable[] {
  return [
    ...(health === undefined ? [] : [createHealthServer({ ...health, ready })]),
    ...(scrape === undefined ? [] : [createHealthServer({ ...scrape, metrics })]),
  ];
}
