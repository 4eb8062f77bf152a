import type { Condition, ConditionUpdate, KubeObject, ResourceType } from "#api";
import { withCondition } from "#api";
import type { KubeClient } from "#kube";
import { isSame } from "../canonical-json.ts";

/** A configuration of ours, as far as its status is concerned. */
export interface Configuration extends KubeObject {
  readonly status?:
    | {
        readonly lastObservedGeneration?: number | undefined;
        readonly conditions?: readonly Condition[] | undefined;
      }
    | undefined;
}

/** The conditions of a configuration with the updates in them, told of its present generation. */
export function conditionsWith(
  { metadata: { generation }, status }: Configuration,
  updates: readonly ConditionUpdate[],
  now: Date,
): readonly Condition[] {
  const observed = generation === undefined ? {} : { observedGeneration: generation };
  return updates.reduce<readonly Condition[]>(
    (conditions, update) => withCondition(conditions, { ...update, ...observed }, now),
    status?.conditions ?? [],
  );
}

/** Writes the conditions and the generation that they are about, when they say anything new. */
export async function writeConfigurationStatus(
  client: KubeClient,
  { group, version, plural, kind, namespaced }: ResourceType,
  { metadata, status }: Configuration,
  conditions: readonly Condition[],
  signal: AbortSignal,
): Promise<void> {
  const { name, resourceVersion, generation } = metadata;
  const { lastObservedGeneration, conditions: before = [] } = status ?? {};
  if (isSame(before, conditions) && lastObservedGeneration === generation) return;
  const patch = {
    metadata: { resourceVersion },
    status: { conditions, lastObservedGeneration: generation },
  };
  const type = { group, version, plural, kind, namespaced };
  await client.mergePatch(type, { name }, patch, signal, { subresource: "status" });
}
