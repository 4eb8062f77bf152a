import {
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
  const reason = reasons.addonRemoved;
  const message = `Cluster ${metadata.namespace} does not have the addon any more: its ServiceAccount and token are revoked`;
  const told = new Set(status.conditions.map(({ type }) => type));
  const { generation } = metadata;
  const seen = generation === undefined ? {} : { observedGeneration: generation };
  const lost = [types.secretCreated, types.tokenReported, types.permissionsApplied]
    .filter((type) => told.has(type))
    .map((type) => ({ type, status: "False", reason, message, ...seen }) as const);
  const conditions = lost.reduce(
    (known, update) => withCondition(known, update, now),
    status.conditions as readonly (typeof status.conditions)[number][],
  );
  return { conditions: [...conditions] };
}
