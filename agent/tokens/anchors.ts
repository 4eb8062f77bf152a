import {
  apiVersionOf,
  clusterRoles,
  type KubeObject,
  managedServiceAccountNames,
  type OwnerReference,
  ownerReferenceTo,
  type ResourceType,
  serviceAccounts,
} from "#api";
import { isApiError, type KubeClient, type ObjectKey } from "#kube";

/**
 * What the objects of an agent are owned by: things that came with the agent and that OCM removes
 * with the addon. Garbage collection then removes the rest, whether or not an agent is left to do
 * it. Undefined where there is none, or the agent may not look.
 */
export interface Anchors {
  /** The agent's own ServiceAccount, for what is in its namespace. */
  serviceAccount(signal: AbortSignal): Promise<OwnerReference | undefined>;
  /** The agent's own ClusterRole, for what is anywhere. */
  clusterRole(signal: AbortSignal): Promise<OwnerReference | undefined>;
}

/** Who the agent is on the managed cluster. */
export interface AnchorOptions {
  readonly namespace: string;
  /** Name of its ServiceAccount; undefined when it acts as another user. */
  readonly ownName: string | undefined;
  /** A clock that is never set back, in ms. Defaults to the process's own. */
  readonly nowMs?: () => number;
}

/**
 * How long a look counts. An anchor that was made anew has another uid, and what names the old one
 * is collected at once: so looks must not count for long.
 */
const freshMs = 5_000;

export function createAnchors(managed: KubeClient, options: AnchorOptions): Anchors {
  const { namespace, ownName, nowMs = () => performance.now() } = options;
  return {
    serviceAccount: remembering(nowMs, async (signal) =>
      ownName === undefined
        ? undefined
        : refer(managed, serviceAccounts, { name: ownName, namespace }, signal),
    ),
    clusterRole: remembering(nowMs, async (signal) =>
      refer(managed, clusterRoles, { name: managedServiceAccountNames.agentClusterRole }, signal),
    ),
  };
}

/** True when the object goes with the agent's ServiceAccount, which has one of those names. */
export function isAnchored({ metadata }: KubeObject, ownNames: ReadonlySet<string>): boolean {
  const owners = metadata.ownerReferences ?? [];
  return owners.some(({ kind, name }) => kind === "ServiceAccount" && ownNames.has(name));
}

type Look = (signal: AbortSignal) => Promise<OwnerReference | undefined>;

function remembering(nowMs: () => number, look: Look): Look {
  let known: { readonly atMs: number; readonly found: OwnerReference | undefined } | undefined;
  return async (signal) => {
    const atMs = nowMs();
    if (known === undefined || atMs - known.atMs >= freshMs) {
      known = { atMs, found: await look(signal) };
    }
    return known.found;
  };
}

async function refer(
  managed: KubeClient,
  type: ResourceType,
  key: ObjectKey,
  signal: AbortSignal,
): Promise<OwnerReference | undefined> {
  try {
    return ownerReferenceTo(apiVersionOf(type), type.kind, await managed.get(type, key, signal));
  } catch (error) {
    if (isApiError(error, "not_found", "forbidden")) return undefined;
    throw error;
  }
}
