import {
  accountOutputKinds,
  addonNames,
  type ConfigMap,
  configMaps,
  type KubeObject,
  type ManagedCluster,
  type ManagedServiceAccount,
  managedServiceAccounts,
  type Secret,
  secrets,
} from "#api";
import { ignoreNotFound, type KubeClient, type ObjectCache } from "#kube";
import { isStaying } from "../../is-staying.ts";
import { passPlaceOf, requestsOf } from "./desired.ts";
import type { GatewayRegistrations } from "./registrations.ts";
import {
  keyOfPlace,
  type MadeOutput,
  madeOutputOf,
  type OutputPolicy,
  type OutputSnapshot,
  ownerKeyOf,
  type Place,
} from "./snapshot.ts";
import { readToken } from "./token-content.ts";

/** Where the facts come from. */
export interface OutputSources {
  readonly client: KubeClient;
  readonly clusters: Pick<ObjectCache<ManagedCluster>, "get">;
  /** The addon managed-serviceaccount of each cluster, by `<cluster>/managed-serviceaccount`. */
  readonly addons: Pick<ObjectCache<KubeObject>, "get">;
  readonly registrations: Pick<GatewayRegistrations, "doorAt">;
  /** Metadata of all that was made for accounts. */
  readonly made: readonly Pick<ObjectCache<KubeObject>, "list">[];
  readonly policy: OutputPolicy;
  /** URL of the gateway's port for clients outside of the hub's network; empty for its Service. */
  readonly gatewayAddress: string;
  readonly now: () => Date;
}

/** Reads all that a plan needs. Tokens are read when they are needed and kept nowhere. */
export async function gather(
  sources: OutputSources,
  key: string,
  account: ManagedServiceAccount | undefined,
  signal: AbortSignal,
): Promise<OutputSnapshot> {
  const { client, clusters, addons, registrations, policy, gatewayAddress, now } = sources;
  const [cluster = "", name = ""] = key.split("/");
  const managedCluster = clusters.get(cluster);
  const places = account === undefined ? [] : placesOf(key, account, policy);
  const token =
    account === undefined
      ? undefined
      : await ignoreNotFound(client.get(secrets, { namespace: cluster, name }, signal));
  const [mine, others] = splitMade(sources, key);
  return {
    key,
    account,
    isServed:
      isStaying(managedCluster) &&
      isStaying(addons.get(`${cluster}/${addonNames.managedServiceAccount}`)),
    token: account !== undefined && isOf(account, token) ? readToken(token) : undefined,
    ways: { cluster, managedCluster, gateway: registrations.doorAt(gatewayAddress) },
    policy,
    found: await findAll(client, places, signal),
    made: mine,
    others,
    now: now(),
  };
}

/** What was made for one account. */
export function madeFor({ made }: Pick<OutputSources, "made">, key: string): readonly MadeOutput[] {
  return splitMade({ made }, key)[0];
}

/** Another Secret of that name may hold the token of somebody else. */
function isOf({ metadata }: ManagedServiceAccount, secret: Secret | undefined): boolean {
  const owners = secret?.metadata.ownerReferences ?? [];
  return owners.some(
    ({ kind, name, uid }) =>
      kind === managedServiceAccounts.kind && name === metadata.name && uid === metadata.uid,
  );
}

function placesOf(
  key: string,
  account: ManagedServiceAccount,
  policy: OutputPolicy,
): readonly Place[] {
  const pass = passPlaceOf(key, policy);
  return [...requestsOf(account), ...(pass === undefined ? [] : [pass])];
}

function splitMade({ made }: Pick<OutputSources, "made">, key: string) {
  const mine: MadeOutput[] = [];
  const others: MadeOutput[] = [];
  for (const { metadata } of made.flatMap((cache) => cache.list())) {
    const output = madeOutputOf(metadata);
    const owner = ownerKeyOf(metadata);
    if (output === undefined || owner === undefined) continue;
    (owner === key ? mine : others).push(output);
  }
  return [mine, others] as const;
}

async function findAll(
  client: KubeClient,
  places: readonly Place[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Secret | ConfigMap>> {
  const found = await Promise.all(
    places.map(async (place) => {
      const { kind, namespace, name } = place;
      const isPass = kind === accountOutputKinds.gatewayPass;
      const read = isPass
        ? client.get<ConfigMap>(configMaps, { namespace, name }, signal)
        : client.get<Secret>(secrets, { namespace, name }, signal);
      return [keyOfPlace(place), await ignoreNotFound<Secret | ConfigMap>(read)] as const;
    }),
  );
  return new Map(found.flatMap(([key, object]) => (object === undefined ? [] : [[key, object]])));
}
