import {
  type ManagedServiceAccount,
  type ManagedServiceAccountStatus,
  managedServiceAccountConditionTypes,
  managedServiceAccountReasons as reasons,
  withCondition,
} from "#api";
import type { PermissionReport } from "./plan.ts";

/** What became of an account's permissions; `failed` when the managed cluster did not take them. */
export type PermissionResult =
  | PermissionReport
  | { readonly kind: "failed"; readonly message: string };

const reasonOf = {
  applied: reasons.permissionsApplied,
  waiting: reasons.serviceAccountMissing,
  refused: reasons.permissionsRefused,
  failed: reasons.permissionsFailed,
} as const;

const type = managedServiceAccountConditionTypes.permissionsApplied;
const maxMessage = 4_096;

/** The account's status with that said of its permissions, and all else as it was. */
export function statusOfPermissions(
  { metadata, status }: ManagedServiceAccount,
  result: PermissionResult,
  now: Date,
): ManagedServiceAccountStatus {
  if (result.kind === "none") {
    const conditions = status.conditions.filter((condition) => condition.type !== type);
    return { ...status, conditions };
  }
  const { generation } = metadata;
  const update = {
    type,
    status: result.kind === "applied" ? "True" : "False",
    reason: reasonOf[result.kind],
    message: "message" in result ? result.message.slice(0, maxMessage) : "",
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  } as const;
  return { ...status, conditions: [...withCondition(status.conditions, update, now)] };
}
