import {
  type Condition,
  type ManagedServiceAccount,
  managedServiceAccountConditionTypes,
  accountOutputReasons as reasons,
  withCondition,
} from "#api";
import type { OutputVerdict } from "./plan.ts";
import type { Refusal } from "./refusal.ts";

const type = managedServiceAccountConditionTypes.outputsReady;

/** What is said of the outputs of one account; undefined for one that asks for none. */
export function outputsCondition(verdicts: readonly OutputVerdict[]):
  | {
      readonly status: "True" | "False";
      readonly reason: string;
      readonly message: string;
    }
  | undefined {
  if (verdicts.length === 0) return undefined;
  const refusals = verdicts.flatMap(({ refusal }) => (refusal === undefined ? [] : [refusal]));
  const [first] = refusals;
  if (first !== undefined) {
    return { status: "False", reason: first.reason, message: messageOf(refusals) };
  }
  const places = verdicts.map(
    ({ request: { kind, namespace, name } }) => `${kind} in Secret ${namespace}/${name}`,
  );
  return { status: "True", reason: reasons.written, message: places.join("; ") };
}

/** The account's conditions with ours among them, or without it when nothing is asked for. */
export function conditionsWith(
  { metadata, status }: ManagedServiceAccount,
  verdicts: readonly OutputVerdict[],
  now: Date,
): readonly Condition[] {
  const told = outputsCondition(verdicts);
  if (told === undefined) return status.conditions.filter((condition) => condition.type !== type);
  const { generation } = metadata;
  const seen = generation === undefined ? {} : { observedGeneration: generation };
  return withCondition(status.conditions, { type, ...told, ...seen }, now);
}

function messageOf(refusals: readonly Refusal[]): string {
  return [...new Set(refusals.map(({ message }) => message))].join("; ");
}
