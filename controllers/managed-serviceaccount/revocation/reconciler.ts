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
import { RevocationPace } from "./pace.ts";
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
/** Watches tell when the agent writes again; this is for what they might not tell. */
const recheckMs = 30_000;

/**
 * Removes from the hub what an agent left there when the addon was taken from its cluster. What is
 * on the managed cluster goes there with the agent. Keys are `cluster/account`.
 */
export function createRevocationReconciler(ports: RevocationPorts): Reconciler<string> {
  const { client, accounts, addons, now } = ports;
  const pace = new RevocationPace();
  return {
    name: "managed-serviceaccount-revocation",
    async reconcile(key, signal) {
      const account = accounts.get(key);
      const cluster = account?.metadata.namespace;
      if (account === undefined || addons.get(`${cluster}/${addon}`) !== undefined) {
        pace.forget(key);
        return settled;
      }
      const waitMs = pace.waitMs(key, now().getTime());
      if (waitMs > 0) return recheckAfter(waitMs);
      const { name, namespace } = account.metadata;
      const secret = await ignoreNotFound(client.get(secrets, { name, namespace }, signal));
      const revocation = planRevocation({ account, secret }, now());
      if (revocation.secret === undefined && revocation.status === undefined) return settled;
      // A cache that is mistaken would cost every user of the cluster its token.
      if (await hasAddon(ports, namespace, signal)) return settled;
      pace.revoked(key, now().getTime());
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
