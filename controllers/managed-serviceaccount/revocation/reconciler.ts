import {
  type AddonVersion,
  addonNames,
  type KubeObject,
  type ManagedServiceAccount,
  type ManagedServiceAccountStatus,
  managedClusterAddOns,
  managedServiceAccounts,
  secrets,
} from "#api";
import {
  ignoreNotFound,
  type KubeClient,
  type ObjectCache,
  type Reconciler,
  recheckAfter,
  resourcePath,
  settled,
} from "#kube";
import type { Logger } from "#runtime";
import { planRevocation, type Revocation } from "./plan.ts";

export interface RevocationPorts {
  readonly client: KubeClient;
  readonly version: AddonVersion;
  readonly accounts: Pick<ObjectCache<ManagedServiceAccount>, "get">;
  /** The ManagedClusterAddOns of this addon. */
  readonly addons: Pick<ObjectCache<KubeObject>, "get">;
  readonly now: () => Date;
  readonly log: Logger;
}

const addon = addonNames.managedServiceAccount;
/** The agent may write again, until it is gone or has lost its rights. */
const recheckMs = 10_000;

/**
 * Removes from the hub what an agent left there when the addon was taken from its cluster. What is
 * on the managed cluster goes there with the agent. Keys are `cluster/account`.
 */
export function createRevocationReconciler(ports: RevocationPorts): Reconciler<string> {
  const { client, accounts, addons, now } = ports;
  return {
    name: "managed-serviceaccount-revocation",
    async reconcile(key, signal) {
      const account = accounts.get(key);
      const cluster = account?.metadata.namespace;
      if (account === undefined || addons.get(`${cluster}/${addon}`) !== undefined) return settled;
      const { name, namespace } = account.metadata;
      const secret = await ignoreNotFound(client.get(secrets, { name, namespace }, signal));
      const revocation = planRevocation({ account, secret }, now());
      if (revocation.secret === undefined && revocation.status === undefined) return settled;
      // A cache that is mistaken would cost every user of the cluster its token.
      if (await hasAddon(ports, namespace, signal)) return settled;
      await perform(ports, account, revocation, signal);
      return recheckAfter(recheckMs);
    },
  };
}

async function hasAddon(
  { client, version }: RevocationPorts,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const path = resourcePath(managedClusterAddOns[version], { namespace, name: addon });
  return (await ignoreNotFound(client.rawJson(path, signal))) !== undefined;
}

async function perform(
  { client, log }: RevocationPorts,
  { metadata }: ManagedServiceAccount,
  { secret, status }: Revocation,
  signal: AbortSignal,
): Promise<void> {
  const { name, namespace, resourceVersion } = metadata;
  const key = { name, namespace };
  if (secret !== undefined) {
    const { uid } = secret.metadata;
    await ignoreNotFound(client.delete(secrets, key, signal, { uid }));
    log.info("Token of a cluster without the addon deleted", { cluster: namespace, name });
  }
  if (status === undefined) return;
  const patch = { metadata: { resourceVersion }, status: withoutToken(status) };
  const options = { subresource: "status" };
  await ignoreNotFound(client.mergePatch(managedServiceAccounts, key, patch, signal, options));
}

/** As a merge patch: what is to go is null. */
function withoutToken(status: ManagedServiceAccountStatus): Readonly<Record<string, unknown>> {
  return { ...status, tokenSecretRef: null, expirationTimestamp: null };
}
