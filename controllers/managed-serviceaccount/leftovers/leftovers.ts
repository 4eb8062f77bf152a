import {
  type AddonName,
  type KubeObject,
  ocmLabels,
  type ResourceType,
  roleBindings,
  roles,
} from "#api";
import {
  createController,
  createObjectCache,
  ignoreNotFound,
  type ObjectCache,
  onCacheChange,
  type Reconciler,
  settled,
} from "#kube";
import type { ControllerDeps, Part } from "../../addon/addon.ts";
import { type AddonView, isDeliveredByOcm } from "../../addon/addon-view.ts";
import { clusterOf } from "../../addon/triggers.ts";

/** Who brings the agent to the clusters: we, or OCM from an AddOnTemplate. */
export type DeployMode = "Deployment" | "AddOnTemplate";

/** A kind, and the name that one way of delivery gives to its objects in clusters' namespaces. */
export interface LeftoverKind {
  readonly type: ResourceType;
  readonly name: string;
}

/** What the agent's rights on the hub hang on, by who delivers it. */
export function rightsOf(
  mode: DeployMode,
  addon: AddonName,
  role: string,
): readonly LeftoverKind[] {
  if (mode === "Deployment") {
    return [
      { type: roleBindings, name: role },
      { type: roles, name: role },
    ];
  }
  // OCM's name for what it binds on behalf of a template; the ClusterRole is the chart's.
  return [{ type: roleBindings, name: `open-cluster-management:${addon}:clusterrole:agent` }];
}

/** True when the object was made for the addon by a way of delivery that is no longer in use there. */
export function isLeftover(
  { metadata }: KubeObject,
  addon: AddonView | undefined,
  mode: DeployMode,
): boolean {
  // Without the addon, what belongs to it goes by itself.
  if (addon === undefined || metadata.labels?.[ocmLabels.addonName] !== addon.name) return false;
  return isDeliveredByOcm(addon) === (mode === "AddOnTemplate");
}

export interface LeftoverOptions {
  readonly addon: AddonName;
  /** Name of the Role that we make for the agent. */
  readonly role: string;
  /** The way of delivery that is in use. */
  readonly mode: DeployMode;
  readonly addonOf: (cluster: string) => AddonView | undefined;
  readonly addons: ObjectCache<KubeObject>;
}

/**
 * Takes away what the other way of delivery left on the hub: rights of an agent that is not there any
 * more, on each cluster once this way has taken over.
 */
export function createLeftovers(deps: ControllerDeps, options: LeftoverOptions): Part {
  const other = options.mode === "Deployment" ? "AddOnTemplate" : "Deployment";
  const parts = rightsOf(other, options.addon, options.role).map(({ type, name }) => {
    const selector = { fieldSelector: `metadata.name=${name}`, log: deps.log };
    const cache = createObjectCache<KubeObject>(deps.client, type, selector);
    const controller = createController({
      reconciler: createReconciler(deps, options, { type, name }, cache),
      triggers: [onCacheChange(cache, clusterOf), onCacheChange(options.addons, clusterOf)],
      log: deps.log,
    });
    return { cache, controller };
  });
  return {
    caches: parts.map(({ cache }) => cache),
    controllers: parts.map(({ controller }) => controller),
  };
}

/** Keys are clusters. */
function createReconciler(
  { client, log }: ControllerDeps,
  { mode, addonOf }: LeftoverOptions,
  { type, name }: LeftoverKind,
  cache: Pick<ObjectCache<KubeObject>, "get">,
): Reconciler<string> {
  return {
    name: `leftover ${type.plural}`,
    async reconcile(cluster, signal) {
      const found = cache.get(`${cluster}/${name}`);
      if (found === undefined || !isLeftover(found, addonOf(cluster), mode)) return settled;
      const { uid } = found.metadata;
      await ignoreNotFound(client.delete(type, { name, namespace: cluster }, signal, { uid }));
      log.info("Leftover of another deploy mode deleted", { kind: type.kind, cluster, name });
      return settled;
    },
  };
}
