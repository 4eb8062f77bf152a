import { isDeepStrictEqual } from "node:util";
import {
  managedServiceAccountConditionTypes as accountConditions,
  isConditionTrue,
  type ManagedServiceAccount,
  type ManagedServiceAccountSet,
  type NotReady,
  managedServiceAccountSetNames as names,
} from "#api";

/** All that the plan for one set looks at. */
export interface SetSnapshot {
  readonly set: ManagedServiceAccountSet;
  /** The clusters that the Placement selects; undefined when there is no such Placement. */
  readonly clusters: ReadonlySet<string> | undefined;
  /** The account of the set's name on each of these clusters, whoever made it. */
  readonly accounts: ReadonlyMap<string, ManagedServiceAccount>;
  /** Every account that the set has made, of whatever name and on whatever cluster. */
  readonly made: readonly ManagedServiceAccount[];
  /** What the hub said when an account could not be written just now, by cluster. */
  readonly failures?: ReadonlyMap<string, string>;
}

export type SetAction =
  /** Creates the account, or changes what the template says. */
  | { readonly kind: "apply"; readonly cluster: string; readonly account: AccountManifest }
  | { readonly kind: "remove"; readonly account: ManagedServiceAccount };

export type AccountManifest = Pick<ManagedServiceAccount, "metadata" | "spec">;

/** Decides, and does nothing. Without its Placement a set keeps what it has. */
export function planSet(snapshot: SetSnapshot): readonly SetAction[] {
  const { set, clusters, made, accounts } = snapshot;
  const isLeaving = set.metadata.deletionTimestamp !== undefined;
  if (!isLeaving && clusters === undefined) return [];
  const wanted = isLeaving || clusters === undefined ? new Set<string>() : clusters;
  const remove = made
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .filter(({ metadata }) => !isWanted(metadata, wanted, accountNameOf(set)))
    .map((account) => ({ kind: "remove", account }) as const);
  const apply = [...wanted].toSorted().flatMap((cluster) => {
    const found = accounts.get(cluster);
    const desired = accountOf(set, cluster);
    if (found !== undefined && (!isMadeBy(set, found) || isAsDesired(found, desired))) return [];
    return [{ kind: "apply", cluster, account: desired } as const];
  });
  return [...remove, ...apply];
}

/** What the accounts of a set are called. */
export function accountNameOf({ spec, metadata }: ManagedServiceAccountSet): string {
  return spec.accountName ?? metadata.name;
}

/** True for an account that the set, in this incarnation, has made. */
export function isMadeBy(
  set: ManagedServiceAccountSet,
  { metadata }: ManagedServiceAccount,
): boolean {
  return metadata.labels?.[names.setLabel] === set.metadata.uid;
}

/** The clusters without an account that is ready, and why, in order of name. */
export function notReadyOf(snapshot: SetSnapshot): readonly NotReady[] {
  const { set, clusters, accounts, failures } = snapshot;
  return [...(clusters ?? [])].toSorted().flatMap((cluster) => {
    const failure = failures?.get(cluster);
    const why =
      failure === undefined
        ? whyNotReady(set, accounts.get(cluster))
        : { reason: "AccountFailed", message: `The hub does not take the account: ${failure}` };
    return why === undefined ? [] : [{ cluster, ...why }];
  });
}

function whyNotReady(
  set: ManagedServiceAccountSet,
  account: ManagedServiceAccount | undefined,
): Omit<NotReady, "cluster"> | undefined {
  if (account === undefined) {
    return { reason: "AccountMissing", message: "There is no account yet" };
  }
  const name = `${account.metadata.namespace}/${account.metadata.name}`;
  if (!isMadeBy(set, account)) {
    const message = `spec.accountName: ManagedServiceAccount ${name} was made by others and is left alone; remove it, or choose another name`;
    return { reason: "AccountNotOurs", message };
  }
  const { conditions } = account.status;
  const failed = conditions.find(({ status }) => status !== "True");
  if (failed !== undefined) return { reason: failed.reason, message: failed.message };
  if (isConditionTrue(conditions, accountConditions.tokenReported)) return undefined;
  const message = "The agent of the cluster has not reported a token yet";
  return { reason: "TokenNotReported", message };
}

function isWanted(
  { name, namespace }: ManagedServiceAccount["metadata"],
  clusters: ReadonlySet<string>,
  accountName: string,
): boolean {
  return name === accountName && namespace !== undefined && clusters.has(namespace);
}

function accountOf(set: ManagedServiceAccountSet, cluster: string): AccountManifest {
  const { metadata, spec } = set.spec.template;
  const { uid = "", namespace, name } = set.metadata;
  return {
    metadata: {
      name: accountNameOf(set),
      namespace: cluster,
      labels: { ...metadata?.labels, [names.setLabel]: uid },
      annotations: { ...metadata?.annotations, [names.setAnnotation]: `${namespace}/${name}` },
    },
    spec,
  };
}

function isAsDesired(found: ManagedServiceAccount, desired: AccountManifest): boolean {
  return (
    isDeepStrictEqual(found.spec, desired.spec) &&
    includes(found.metadata.labels, desired.metadata.labels) &&
    includes(found.metadata.annotations, desired.metadata.annotations)
  );
}

function includes(
  all: Readonly<Record<string, string>> = {},
  part: Readonly<Record<string, string>> = {},
): boolean {
  return Object.entries(part).every(([key, value]) => all[key] === value);
}
