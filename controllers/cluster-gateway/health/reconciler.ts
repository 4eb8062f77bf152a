import {
  type AddonVersion,
  type ClusterGateway,
  type ClusterGatewayLayout,
  type KubeObject,
  type ManagedCluster,
  managedClusterAddOns,
  withCondition,
} from "#api";
import {
  type EventRecorder,
  type KubeClient,
  type ObjectCache,
  type Reconciler,
  recheckAfter,
  resourcePath,
  settled,
} from "#kube";
import { describeError, type Logger } from "#runtime";
import type { AddonMetrics } from "../../addon/addon.ts";
import type { AddonView } from "../../addon/addon-view.ts";
import { guardedPatch } from "../../addon/status-patch.ts";
import { defaultPace, isHiccup, nextProbeMs, planCondition, shouldProbe } from "./plan.ts";
import { type ProbeResult, probe } from "./probe.ts";

export interface HealthPorts {
  readonly client: KubeClient;
  readonly version: AddonVersion;
  readonly clusters: ObjectCache<ManagedCluster>;
  readonly addonOf: (cluster: string) => AddonView | undefined;
  readonly log: Logger;
  readonly events: EventRecorder;
  readonly metrics: Pick<AddonMetrics, "clusterHealthy">;
  readonly now: () => Date;
  /** In which form the gateway serves clusters at the moment. */
  readonly layout: () => ClusterGatewayLayout;
}

const probeTimeoutMs = 5_000;

/** What is remembered of one cluster between probes. */
interface Memory {
  /** When the present row of failures began; undefined while it is healthy. */
  readonly failingSince: Date | undefined;
  /** What the gateway was last told; undefined before it was. */
  readonly told: string | undefined;
}

const unknown: Memory = { failingSince: undefined, told: undefined };

/**
 * Asks every cluster that has the addon how it is, again and again, and tells it: in the addon's
 * condition, and to the gateway. Nothing is written unless something has changed.
 */
export function createHealthReconciler(ports: HealthPorts): Reconciler<string> {
  const { client, addonOf, now, metrics } = ports;
  const memories = new Map<string, Memory>();
  return {
    name: "gateway-health",
    async reconcile(cluster, signal) {
      const addon = addonToProbe(ports, cluster);
      if (addon === undefined) {
        memories.delete(cluster);
        metrics.clusterHealthy.remove({ cluster });
        return settled;
      }
      const layout = ports.layout();
      const result = await probe(client, layout, cluster, probeTimeoutMs, signal);
      const before = memories.get(cluster) ?? unknown;
      const failingSince = result.isHealthy ? undefined : (before.failingSince ?? now());
      const fresh = addonOf(cluster) ?? addon;
      if (isHiccup(fresh.status.conditions, result, before.failingSince)) {
        memories.set(cluster, { ...before, failingSince });
      } else {
        metrics.clusterHealthy.set(result.isHealthy ? 1 : 0, { cluster });
        const told = await tellGateway(ports, layout, cluster, result, before.told, signal);
        memories.set(cluster, { failingSince, told });
        await tellAddon(ports, fresh, result, signal);
      }
      const failingForMs = failingSince && now().getTime() - failingSince.getTime();
      return recheckAfter(nextProbeMs(defaultPace, failingForMs, Math.random()));
    },
  };
}

function addonToProbe({ clusters, addonOf }: HealthPorts, cluster: string): AddonView | undefined {
  const addon = addonOf(cluster);
  const isWanted = addon?.isDeleting === false && shouldProbe(clusters.get(cluster));
  return isWanted ? addon : undefined;
}

async function tellAddon(
  { client, version, log, now, events }: HealthPorts,
  addon: AddonView,
  result: ProbeResult,
  signal: AbortSignal,
): Promise<void> {
  const update = planCondition(addon.status.conditions, result);
  if (update === undefined) return;
  const conditions = withCondition(addon.status.conditions, update, now());
  const { group, plural, kind, namespaced } = managedClusterAddOns[version];
  const type = { group, version, plural, kind, namespaced };
  const key = { namespace: addon.cluster, name: addon.name };
  const patch = guardedPatch(addon, { conditions });
  await client.mergePatch(type, key, patch, signal, { subresource: "status" });
  const { status, reason, message } = update;
  log.info("Health of cluster changed", { cluster: addon.cluster, status, detail: message });
  const eventType = result.isHealthy ? "Normal" : "Warning";
  await events.record(type, addon.object, { type: eventType, reason, message });
}

/** Answers what the gateway knows now. A gateway that cannot be told is told next time. */
async function tellGateway(
  { client, log }: HealthPorts,
  { group, clusterGateways }: ClusterGatewayLayout,
  cluster: string,
  result: ProbeResult,
  told: string | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  const healthyReason = result.isHealthy ? "" : result.message;
  const news = `${group} ${result.isHealthy} ${healthyReason}`;
  if (news === told) return told;
  const subresource = "health";
  try {
    const path = resourcePath(clusterGateways, { name: cluster, subresource });
    const present = (await client.rawJson(path, signal)) as Partial<ClusterGateway>;
    const { healthy, healthyReason: reason = "" } = present.status ?? {};
    if (healthy === result.isHealthy && reason === healthyReason) return news;
    const status = { ...present.status, healthy: result.isHealthy, healthyReason };
    const object = { metadata: { name: cluster }, status };
    await client.replace<KubeObject>(clusterGateways, object, signal, { subresource });
    return news;
  } catch (error) {
    signal.throwIfAborted();
    log.debug("Cannot tell the gateway", { cluster, error: describeError(error) });
    return undefined;
  }
}
