import {
  type Condition,
  type ConditionUpdate,
  findCondition,
  type KubeObject,
  withCondition,
} from "#api";
import type { EventOptions, EventRecorder, KubeClient } from "#kube";
import { isSame } from "../canonical-json.ts";
import type { Owner } from "./owner.ts";

/** A configuration of ours, as far as its status is concerned. */
export interface Configuration extends KubeObject {
  readonly status?:
    | {
        readonly lastObservedGeneration?: number | undefined;
        readonly conditions?: readonly Condition[] | undefined;
      }
    | undefined;
}

export interface StatusPorts {
  readonly client: KubeClient;
  readonly events: EventRecorder;
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

/**
 * Writes the conditions and the generation that they are about, when they say anything new, and
 * records an Event for each that turned.
 */
export async function writeConfigurationStatus(
  { client, events }: StatusPorts,
  { type, object }: Pick<Owner, "type" | "object">,
  conditions: readonly Condition[],
  signal: AbortSignal,
): Promise<void> {
  const { metadata, status } = object as Configuration;
  const { name, resourceVersion, generation } = metadata;
  const { lastObservedGeneration, conditions: before = [] } = status ?? {};
  if (isSame(before, conditions) && lastObservedGeneration === generation) return;
  const patch = {
    metadata: { resourceVersion },
    status: { conditions, lastObservedGeneration: generation },
  };
  const { parse: _unread, ...unparsed } = type;
  await client.mergePatch(unparsed, { name }, patch, signal, { subresource: "status" });
  for (const event of eventsOf(before, conditions)) await events.record(type, object, event);
}

/** What to tell of the conditions whose status or reason is another than before. */
export function eventsOf(
  before: readonly Condition[],
  after: readonly Condition[],
): readonly EventOptions[] {
  return after.flatMap(({ type, status, reason, message }) => {
    const known = findCondition(before, type);
    if (known?.status === status && known.reason === reason) return [];
    // What is only not there yet is no cause for alarm; what was there is.
    const isFine = status === "True" || (known?.status !== "True" && reason.startsWith("NotYet"));
    const text = `${type} is ${status}: ${message}`;
    return [{ type: isFine ? "Normal" : "Warning", reason, message: text }];
  });
}
