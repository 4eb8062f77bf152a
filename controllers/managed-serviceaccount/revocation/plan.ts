import {
  type Condition,
  findCondition,
  isConditionTrue,
  type ManagedServiceAccount,
  type ManagedServiceAccountStatus,
  managedServiceAccountLabels,
  managedServiceAccountReasons as reasons,
  type Secret,
  managedServiceAccountConditionTypes as types,
  withCondition,
} from "#api";

/** What is left on the hub of an account whose cluster does not have the addon any more. */
export interface Leftover {
  readonly account: ManagedServiceAccount;
  /** The Secret of the account's name, whoever made it. */
  readonly secret: Secret | undefined;
}

export interface Revocation {
  /** The Secret to delete: the one that the agent made. */
  readonly secret: Secret | undefined;
  /** What the account is to say; undefined when it says it, or never said anything else. */
  readonly status: ManagedServiceAccountStatus | undefined;
}

/** Decides, and does nothing. The account itself stays: it is a wish, and the addon may come back. */
export function planRevocation({ account, secret }: Leftover, now: Date): Revocation {
  return {
    secret: secret !== undefined && isTokenOf(account, secret) ? secret : undefined,
    status: promises(account) ? statusAfter(account, now) : undefined,
  };
}

function isTokenOf({ metadata: { uid } }: ManagedServiceAccount, { metadata }: Secret): boolean {
  const isManaged = metadata.labels?.[managedServiceAccountLabels.managed] === "true";
  return isManaged && (metadata.ownerReferences ?? []).some((owner) => owner.uid === uid);
}

/** True while the status speaks of a token. */
function promises({ status }: ManagedServiceAccount): boolean {
  return (
    status.tokenSecretRef !== undefined ||
    status.expirationTimestamp !== undefined ||
    isConditionTrue(status.conditions, types.tokenReported) ||
    isConditionTrue(status.conditions, types.permissionsApplied)
  );
}

function statusAfter(
  { metadata, status }: ManagedServiceAccount,
  now: Date,
): ManagedServiceAccountStatus {
  const message = `Cluster ${metadata.namespace} does not have the addon any more: its ServiceAccount and token are revoked`;
  const { generation } = metadata;
  const lost = {
    status: "False",
    reason: reasons.addonRemoved,
    message,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  } as const;
  let conditions: readonly Condition[] = status.conditions;
  for (const type of [types.secretCreated, types.tokenReported, types.permissionsApplied]) {
    if (findCondition(conditions, type) === undefined) continue;
    conditions = withCondition(conditions, { type, ...lost }, now);
  }
  return { conditions: [...conditions] };
}
