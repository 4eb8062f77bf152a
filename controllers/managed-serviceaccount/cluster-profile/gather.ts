import {
  type ClusterProfile,
  type ManagedCluster,
  type ManagedClusterSet,
  type ManagedClusterSetBinding,
  type ManagedServiceAccount,
  type ResourceType,
  type Secret,
  secrets,
} from "#api";
import { ignoreNotFound, type KubeClient, keyOfObject, type ObjectCache } from "#kube";
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
  /** Accounts that ask to be shared. */
  readonly accounts: Pick<ObjectCache<ManagedServiceAccount>, "list">;
  /** Secrets that agents have made. */
  readonly tokens: Pick<ObjectCache<Secret>, "get">;
  /** Secrets that were copied. */
  readonly copies: Pick<ObjectCache<Secret>, "get" | "list">;
  readonly namespaces: CredentialNamespaces;
  /** The gateway's door, if it is open for tokens of accounts. */
  readonly gateway: () => GatewayDoor | undefined;
}

/** Reads all that a plan needs, from caches where they know. Keys are `namespace/name`. */
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
  const accounts = ports.accounts
    .list()
    .filter(({ metadata }) => metadata.namespace === clusterName)
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
  { client, tokens, copies }: GatherPorts,
  namespace: string,
  account: ManagedServiceAccount,
  signal: AbortSignal,
): Promise<SharedAccount> {
  const { tokenSecretRef } = account.status;
  const token =
    tokenSecretRef && tokens.get(`${account.metadata.namespace}/${tokenSecretRef.name}`);
  const source = token !== undefined && isOwnedBy(token, account) ? token : undefined;
  const name = copyNameOf(account);
  const known = copies.get(keyOfObject({ metadata: { namespace, name } }));
  // One that others made carries no label, so no cache knows of it.
  const mustAsk = known === undefined && source !== undefined && isUsableName(name);
  const present = mustAsk
    ? await ignoreNotFound(client.get(secrets, { namespace, name }, signal))
    : known;
  return { account, source, present };
}

/** A Secret of the account's name may be another's, or what an earlier account has left. */
function isOwnedBy({ metadata }: Secret, account: ManagedServiceAccount): boolean {
  return metadata.ownerReferences?.some(({ uid }) => uid === account.metadata.uid) === true;
}
