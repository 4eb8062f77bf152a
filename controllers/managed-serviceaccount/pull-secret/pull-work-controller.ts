import { type AddonVersion, type KubeObject, manifestWorks } from "#api";
import {
  createController,
  createObjectCache,
  type EventRecorder,
  ignoreNotFound,
  type KubeClient,
  type ObjectCache,
  onCacheChange,
  type Reconciler,
  settled,
} from "#kube";
import type { Logger } from "#runtime";
import type { ControllerDeps, Part } from "../../addon/addon.ts";
import type { AddonView } from "../../addon/addon-view.ts";
import { fieldManager } from "../../addon/deploy/perform.ts";
import { allClusters, clusterOf } from "../../addon/triggers.ts";
import { type PullAction, planPullWork, pullWorkName } from "./plan.ts";
import { missingPullSecret, type PullSecret, pullSecretData } from "./pull-secret.ts";

export interface PullWorkOptions {
  /** With which agents pull, where OCM brings them; undefined for none. */
  readonly pullSecret: PullSecret | undefined;
  readonly addonOf: (cluster: string) => AddonView | undefined;
  readonly addons: ObjectCache<KubeObject>;
}

/**
 * Brings the pull secret to every cluster where OCM brings the agent: an AddOnTemplate is read by
 * many, and so no place for it. Takes it away where it is not wanted any more.
 */
export function createPullWork(deps: ControllerDeps, options: PullWorkOptions): Part {
  const { client, log } = deps;
  const { addons, pullSecret } = options;
  const selector = { fieldSelector: `metadata.name=${pullWorkName}`, log };
  const works = createObjectCache<KubeObject>(client, manifestWorks, selector);
  const every = allClusters(addons);
  const controller = createController({
    reconciler: createPullWorkReconciler({ ...deps, ...options, works }),
    triggers: [
      onCacheChange(works, clusterOf),
      onCacheChange(addons, clusterOf),
      ...(pullSecret === undefined ? [] : [onCacheChange(pullSecret.secrets, every)]),
    ],
    log,
  });
  const caches = pullSecret === undefined ? [works] : [works, pullSecret.secrets];
  return { caches, controllers: [controller] };
}

export interface PullWorkPorts extends Omit<PullWorkOptions, "addons"> {
  readonly client: KubeClient;
  readonly version: AddonVersion;
  readonly works: Pick<ObjectCache<KubeObject>, "get">;
  readonly events: EventRecorder;
  readonly log: Logger;
}

/** Keys are clusters. */
export function createPullWorkReconciler(ports: PullWorkPorts): Reconciler<string> {
  const { pullSecret, addonOf, version, works } = ports;
  return {
    name: "pull-secret",
    async reconcile(cluster, signal) {
      const data = pullSecret && pullSecretData(pullSecret);
      if (pullSecret !== undefined && data === undefined) {
        ports.log.warn("Agents get no pull secret", { why: missingPullSecret(pullSecret) });
      }
      const action = planPullWork({
        addon: addonOf(cluster),
        version,
        data,
        isWanted: pullSecret !== undefined,
        work: works.get(`${cluster}/${pullWorkName}`),
      });
      if (action !== undefined) await perform(ports, cluster, action, signal);
      return settled;
    },
  };
}

async function perform(
  { client, log }: PullWorkPorts,
  cluster: string,
  action: PullAction,
  signal: AbortSignal,
): Promise<void> {
  if (action.kind === "apply") {
    await client.apply(manifestWorks, action.work, signal, { fieldManager });
    log.info("Pull secret brought to a cluster", { cluster });
    return;
  }
  const { uid } = action.work.metadata;
  const key = { name: pullWorkName, namespace: cluster };
  await ignoreNotFound(client.delete(manifestWorks, key, signal, { uid }));
  log.info("Pull secret taken from a cluster", { cluster });
}
