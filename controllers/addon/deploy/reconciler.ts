import {
  type AddonVersion,
  addonConditionTypes,
  type Condition,
  findCondition,
  managedClusterAddOns,
} from "#api";
import { type EventRecorder, type KubeClient, type Reconciler, settled } from "#kube";
import type { Logger } from "#runtime";
import type { AddonStatus } from "../addon-view.ts";
import type { ConfigSource } from "../configuration/config-source.ts";
import type { AddonDefinition } from "../definition.ts";
import { guardedPatch, statusPatch } from "../status-patch.ts";
import { type DeployCaches, gather } from "./gather.ts";
import { perform } from "./perform.ts";
import { plan } from "./plan.ts";
import type { Snapshot } from "./snapshot.ts";
import { statusAfter } from "./status.ts";

export interface DeployPorts {
  readonly client: KubeClient;
  readonly version: AddonVersion;
  readonly definition: AddonDefinition;
  readonly source: ConfigSource;
  readonly caches: DeployCaches;
  readonly log: Logger;
  readonly events: EventRecorder;
  readonly now: () => Date;
}

/**
 * Brings one addon to one cluster: registration, rights on the hub, manifests, status. The key is
 * the cluster's name. All of it happens in one pass and ends in at most one write of the status.
 */
export function createDeployReconciler(ports: DeployPorts): Reconciler<string> {
  const { client, version, definition, source, caches, now } = ports;
  return {
    name: `addon ${definition.name}`,
    async reconcile(clusterName, signal) {
      const snapshot = gather(definition, caches, version, clusterName);
      if (snapshot === undefined) return settled;
      const planned = plan(definition, source, snapshot);
      const outcome = await perform(client, planned.actions, signal);
      const status = statusAfter(definition, source, snapshot, planned, outcome, now());
      await writeStatus(ports, snapshot, status, signal);
      const failure = outcome.permissionError ?? outcome.workError;
      if (failure !== undefined) throw failure as Error;
      return settled;
    },
  };
}

async function writeStatus(
  { client, log, events }: DeployPorts,
  { addon, version }: Snapshot,
  status: AddonStatus,
  signal: AbortSignal,
): Promise<void> {
  const patch = statusPatch(version, addon.status, status);
  if (patch === undefined) return;
  const refusal = newRefusal(addon.status, status);
  if (refusal !== undefined) {
    const { reason, message } = refusal;
    log.warn("Addon is not applied", { cluster: addon.cluster, reason, detail: message });
    await events.record(addonType(version), addon.object, { type: "Warning", reason, message });
  }
  const key = { namespace: addon.cluster, name: addon.name };
  await client.mergePatch(addonType(version), key, guardedPatch(addon, patch), signal, {
    subresource: "status",
  });
}

function addonType(version: AddonVersion) {
  const { group, plural, kind, namespaced } = managedClusterAddOns[version];
  return { group, version, plural, kind, namespaced };
}

/** Bad input is told when it begins or changes, not at each look. */
function newRefusal(before: AddonStatus, after: AddonStatus): Condition | undefined {
  const type = addonConditionTypes.manifestApplied;
  const [old, present] = [before, after].map(({ conditions }) => findCondition(conditions, type));
  return present?.status === "False" && present.message !== old?.message ? present : undefined;
}
