import * as z from "zod";

export const conditionStatus = z.enum(["True", "False", "Unknown"]);
export type ConditionStatus = z.infer<typeof conditionStatus>;

/** One entry of `status.conditions`, as all of Kubernetes writes them. */
export const condition = z.object({
  type: z.string(),
  status: conditionStatus,
  reason: z.string(),
  message: z.string(),
  observedGeneration: z.int().optional(),
  lastTransitionTime: z.string(),
});

export type Condition = z.infer<typeof condition>;
export type ConditionUpdate = Omit<Condition, "lastTransitionTime">;

/**
 * Sets one condition; its transition time moves only when its status does. Other conditions,
 * which may belong to others, stay as they are.
 */
export function withCondition(
  conditions: readonly Condition[],
  update: ConditionUpdate,
  now: Date,
): readonly Condition[] {
  const previous = conditions.find(({ type }) => type === update.type);
  const lastTransitionTime =
    previous?.status === update.status ? previous.lastTransitionTime : timestamp(now);
  const next: Condition = { ...update, lastTransitionTime };
  return previous === undefined
    ? [...conditions, next]
    : conditions.map((entry) => (entry === previous ? next : entry));
}

/** The condition of that type, if there is one. */
export function findCondition(
  conditions: readonly Condition[] | undefined,
  type: string,
): Condition | undefined {
  return conditions?.find((entry) => entry.type === type);
}

/** True when the condition is there and `True`. */
export function isConditionTrue(
  conditions: readonly Condition[] | undefined,
  type: string,
): boolean {
  return findCondition(conditions, type)?.status === "True";
}

/** A time as Kubernetes writes it: RFC 3339, whole seconds. */
export function timestamp(at: Date): string {
  return at.toISOString().replace(/\.\d{3}Z$/, "Z");
}
