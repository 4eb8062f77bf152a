import * as z from "zod";

/** Kubernetes' selector of labels; an empty one selects everything. */
export const labelSelectorSchema = z.looseObject({
  matchLabels: z.record(z.string(), z.string()).default({}),
  matchExpressions: z
    .array(
      z.looseObject({
        key: z.string(),
        operator: z.string(),
        values: z.array(z.string()).default([]),
      }),
    )
    .default([]),
});
export type LabelSelector = z.infer<typeof labelSelectorSchema>;

type Requirement = LabelSelector["matchExpressions"][number];

const operators: Readonly<
  Record<string, (value: string | undefined, values: readonly string[]) => boolean>
> = {
  In: (value, values) => value !== undefined && values.includes(value),
  NotIn: (value, values) => value === undefined || !values.includes(value),
  Exists: (value) => value !== undefined,
  DoesNotExist: (value) => value === undefined,
};

/** True when the labels meet every requirement. One that is not understood is never met. */
export function matchesSelector(
  { matchLabels, matchExpressions }: LabelSelector,
  labels: Readonly<Record<string, string>> = {},
): boolean {
  const meets = ({ key, operator, values }: Requirement): boolean =>
    Object.hasOwn(operators, operator) && operators[operator]?.(labels[key], values) === true;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(meets)
  );
}
