import { type KubeObject, managedServiceAccountLabels } from "#api";
import {
  createController,
  createEventRecorder,
  createObjectCache,
  labelSelector,
  type ObjectCache,
  onCacheChange,
  type Trigger,
} from "#kube";
import type { Runnable } from "#runtime";
import type { TokenAgentOptions } from "../agent-options.ts";
import { createPermissionReconciler, type PermissionPorts } from "./reconciler.ts";
import { RightsIndex } from "./rights-index.ts";
import { accountOfRights, type RightsBody, type RightsKind, rightsTypes } from "./rights-object.ts";

/** What the agent has given on the managed cluster. */
export type RightsCaches = Readonly<Record<RightsKind, ObjectCache<KubeObject & RightsBody>>>;

/** Watches of what carries our label; none where the agent may neither read nor give rights. */
export function createRightsCaches({
  managed,
  permissionPolicy,
  log,
}: TokenAgentOptions): RightsCaches | undefined {
  if (permissionPolicy === undefined) return undefined;
  const ours = labelSelector({ [managedServiceAccountLabels.managed]: "true" });
  const cacheOf = (kind: RightsKind) =>
    createObjectCache(managed, rightsTypes[kind], { labelSelector: ours, log });
  return {
    ClusterRole: cacheOf("ClusterRole"),
    Role: cacheOf("Role"),
    ClusterRoleBinding: cacheOf("ClusterRoleBinding"),
    RoleBinding: cacheOf("RoleBinding"),
  };
}

export interface PermissionWork {
  readonly ports: Omit<PermissionPorts, "rights" | "events" | "policy">;
  readonly rights: RightsCaches | undefined;
  /** What tells of accounts and ServiceAccounts. */
  readonly triggers: readonly Trigger[];
  /** The agent's name in Events. */
  readonly component: string;
}

/** Everything that gives and takes rights. */
export function createPermissionWork(
  options: TokenAgentOptions,
  { ports, rights, triggers, component }: PermissionWork,
): Runnable {
  const { cluster, namespace, permissionPolicy: policy, hub, log } = options;
  const index = new RightsIndex(namespace);
  const caches = Object.entries(rights ?? {}) as [RightsKind, RightsCaches[RightsKind]][];
  for (const [kind, cache] of caches) index.follow(kind, cache);
  const events = createEventRecorder(hub, component, log);
  return createController({
    reconciler: createPermissionReconciler({ ...ports, policy, events, rights: index }),
    triggers: [
      ...triggers,
      ...caches.map(([, cache]) =>
        onCacheChange(cache, ({ before, after }) => {
          const object = after ?? before;
          const account = object && accountOfRights(object, namespace);
          return account === undefined ? [] : [`${cluster}/${account}`];
        }),
      ),
    ],
    log,
  });
}
