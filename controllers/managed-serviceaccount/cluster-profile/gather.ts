import {
  addonNames,
  type ClusterProfile,
  type KubeObject,
  type ManagedCluster,
  type ManagedClusterSet,
  type ManagedClusterSetBinding,
  type ManagedServiceAccount,
  managedServiceAccountLabels,
  type ResourceType,
  type Secret,
  secrets,
} from "#api";
import {
  ignoreNotFound,
  type KubeClient,
  keyOfObject,
  type ObjectCache,
  type ObjectKey,
} from "#kube";
import { isStaying } from "../../is-staying.ts";
import type { GatewayDoor } from "../outputs/reach.ts";
import { copyNameOf, isCopyFor, isSharedWith, isUsableName } from "./copies.ts";
import type { ProfileSnapshot, SharedAccount } from "./plan.ts";
import { type CredentialNamespaces, clusterNameOf, standingOf } from "./standing.ts";

export interface GatherPorts {
  readonly client: KubeClient;
  /** The version of ClusterProfiles that is used. */
  readonly type: ResourceType<ClusterProfile>;
  readonly profiles: Pick<ObjectCache<ClusterProfile>, "get">;
  readonly clusters: Pick<ObjectCache<ManagedCluster>, "get">;
  readonly sets: Pick<ObjectCache<ManagedClusterSet>, "list">;
  readonly bindings: Pick<ObjectCache<ManagedClusterSetBinding>, "list">;
  /** The addon managed-serviceaccount of each cluster. */
  readonly addons: Pick<ObjectCache<KubeObject>, "get">;
  readonly accounts: Pick<ObjectCache<ManagedServiceAccount>, "list">;
  /** Secrets that were copied. */
  readonly copies: Pick<ObjectCache<Secret>, "get" | "list">;
  readonly namespaces: CredentialNamespaces;
  /** The gateway's door, if it is open for tokens of accounts. */
  readonly gateway: () => GatewayDoor | undefined;
}

/**
 * Reads all that a plan needs, from caches where they know. Tokens are read when they are needed and
 * kept nowhere. Keys are `namespace/name`.
 */
export async function gather(
  ports: GatherPorts,
  key: string,
  signal: AbortSignal,
): Promise<ProfileSnapshot> {
  const [namespace = "", name = ""] = key.split("/");
  const profile = ports.profiles.get(key);
  const clusterName = profile && clusterNameOf(profile);
  const standing = standingOf({
    profile,
    cluster: clusterName === undefined ? undefined : ports.clusters.get(clusterName),
    bindings: ports.bindings.list().filter((binding) => binding.metadata.namespace === namespace),
    sets: ports.sets.list(),
    namespaces: ports.namespaces,
  });
  // Without the addon nobody keeps the tokens of a cluster: what was handed out is taken back.
  const isServed = isStaying(
    ports.addons.get(`${clusterName}/${addonNames.managedServiceAccount}`),
  );
  const accounts = ports.accounts
    .list()
    .filter(({ metadata }) => isServed && metadata.namespace === clusterName)
    .filter((account) => isSharedWith(account, namespace))
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  return {
    type: ports.type,
    namespace,
    name,
    profile,
    standing,
    gateway: ports.gateway(),
    accounts: await Promise.all(
      accounts.map(async (account) => shared(ports, namespace, account, signal)),
    ),
    copies: ports.copies
      .list()
      .filter((copy) => copy.metadata.namespace === namespace && isCopyFor(name, copy)),
  };
}

async function shared(
  { client, copies }: GatherPorts,
  namespace: string,
  account: ManagedServiceAccount,
  signal: AbortSignal,
): Promise<SharedAccount> {
  const read = async (place: ObjectKey): Promise<Secret | undefined> =>
    ignoreNotFound(client.get(secrets, place, signal));
  const { tokenSecretRef } = account.status;
  const token = tokenSecretRef && (await read({ ...account.metadata, name: tokenSecretRef.name }));
  const source = token !== undefined && isTokenOf(account, token) ? token : undefined;
  const name = copyNameOf(account);
  const known = copies.get(keyOfObject({ metadata: { namespace, name } }));
  // One that others made carries no label, so that no cache knows of it.
  const mustAsk = known === undefined && source !== undefined && isUsableName(name);
  const present = mustAsk ? await read({ namespace, name }) : known;
  return { account, source, present };
}

/** A Secret of the account's name may be another's, or what an earlier account has left. */
function isTokenOf({ metadata: { uid } }: ManagedServiceAccount, { metadata }: Secret): boolean {
  return (
    metadata.labels?.[managedServiceAccountLabels.managed] === "true" &&
    metadata.ownerReferences?.some((owner) => owner.uid === uid) === true
  );
}
