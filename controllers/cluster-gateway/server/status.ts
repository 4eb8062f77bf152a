import {
  type Condition,
  type ConditionUpdate,
  clusterGatewayConditionTypes,
  findCondition,
} from "#api";
import { isAvailable, replicasMessage } from "../../installation/availability.ts";
import { conditionsWith } from "../../installation/configuration-status.ts";
import type { Snapshot } from "./gather.ts";
import { ruleFaults } from "./identity-document.ts";

const type = clusterGatewayConditionTypes.deployed;

/** The conditions of a configuration, from what was seen and what stands in the way, if anything. */
export function conditionsAfter(
  snapshot: Snapshot,
  obstacle: string | undefined,
  now: Date,
): readonly Condition[] {
  const updates = [deployed(snapshot, obstacle), identityValid(snapshot)];
  return conditionsWith(snapshot.configuration, updates, now);
}

function identityValid({ configuration }: Snapshot): ConditionUpdate {
  const faults = ruleFaults(configuration.spec.identity);
  const update = { type: clusterGatewayConditionTypes.identityValid } as const;
  return faults.length === 0
    ? { ...update, status: "True", reason: "RulesValid", message: "" }
    : { ...update, status: "False", reason: "InvalidRules", message: faults.join("; ") };
}

function deployed(
  { configuration, deployment, apiService }: Snapshot,
  obstacle: string | undefined,
): ConditionUpdate {
  const no = { type, status: "False", reason: "NotYetDeployed" } as const;
  if (obstacle !== undefined) return { ...no, message: obstacle };
  const { replicas } = configuration.spec;
  const message = replicasMessage(deployment, replicas);
  if (!isAvailable(deployment, replicas)) return { ...no, message };
  const registered = findCondition(apiService?.status?.conditions, "Available");
  if (registered?.status === "True") {
    return { type, status: "True", reason: "SuccessfullyDeployed", message };
  }
  return { ...no, message: `API is not available: ${registered?.message ?? "not registered yet"}` };
}
