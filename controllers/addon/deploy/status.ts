import {
  addonConditionTypes,
  addonReasons,
  type Condition,
  type ConditionUpdate,
  type ConfigGroupResource,
  findCondition,
  type ManifestWork,
  manifestWorkConditionTypes,
  withCondition,
} from "#api";
import { describeError } from "#runtime";
import type { AddonStatus } from "../addon-view.ts";
import type { ConfigSource } from "../configuration/config-source.ts";
import { withObservations } from "../configuration/references.ts";
import type { AddonDefinition } from "../definition.ts";
import type { Outcome } from "./perform.ts";
import type { Plan } from "./plan.ts";
import type { Snapshot } from "./snapshot.ts";

/** What the addon's status is to say after the plan was carried out with that outcome. */
export function statusAfter(
  definition: AddonDefinition,
  source: ConfigSource,
  snapshot: Snapshot,
  plan: Plan,
  outcome: Outcome,
  now: Date,
): AddonStatus {
  const { status, specConfigs } = snapshot.addon;
  const registration = registrationCondition(plan, outcome);
  const manifests = manifestCondition(snapshot, plan, outcome);
  const withRegistration = withCondition(status.conditions, registration, now);
  return {
    conditions: withManifests(withRegistration, manifests, now),
    supportedConfigs: supportedConfigs(source),
    configReferences: withObservations(status.configReferences, specConfigs, source),
    namespace: plan.namespace,
    registrations: plan.registrations,
    healthMode: definition.healthMode,
  };
}

function supportedConfigs({ kinds }: ConfigSource): readonly ConfigGroupResource[] {
  return kinds.map(({ group, plural }) => ({ group, resource: plural }));
}

function registrationCondition(
  { registrations, isPermissionPending }: Plan,
  { permissionError }: Outcome,
): ConditionUpdate {
  const type = addonConditionTypes.registrationApplied;
  if (permissionError !== undefined) {
    const message = `Failed to set permission for hub agent: ${describeError(permissionError)}`;
    return { type, status: "False", reason: addonReasons.setPermissionFailed, message };
  }
  if (isPermissionPending) {
    const message = "registration subject not ready";
    return { type, status: "False", reason: addonReasons.permissionConfigPending, message };
  }
  const message = "Registration of the addon agent is configured";
  const { nilRegistration, setPermissionApplied } = addonReasons;
  const reason = registrations.length === 0 ? nilRegistration : setPermissionApplied;
  return { type, status: "True", reason, message };
}

/** What is known about the manifests: a condition, nothing new, or that nothing is known now. */
type ManifestNews =
  | { readonly kind: "condition"; readonly update: ConditionUpdate }
  | { readonly kind: "unchanged" }
  | { readonly kind: "pending" };

function manifestCondition(snapshot: Snapshot, plan: Plan, { workError }: Outcome): ManifestNews {
  const { delivery, actions } = plan;
  const { manifestWorkApplyFailed } = addonReasons;
  if (workError !== undefined) {
    return failed(
      manifestWorkApplyFailed,
      `failed to apply manifestWork: ${describeError(workError)}`,
    );
  }
  switch (delivery.kind) {
    case "refused":
      return failed(manifestWorkApplyFailed, `failed to make the manifests: ${delivery.message}`);
    case "waiting":
      // What was delivered before stays, and so does what is said about it.
      return delivery.message === undefined || snapshot.works.length > 0
        ? { kind: "unchanged" }
        : failed(manifestWorkApplyFailed, `waiting: ${delivery.message}`);
    case "delivered": {
      if (delivery.isEmpty) return applied("no manifest need to apply");
      const isWriting = actions.some(({ kind }) => kind !== "deleteWork" && kind.endsWith("Work"));
      return isWriting ? { kind: "pending" } : newsOfWorks(snapshot.works);
    }
  }
}

function newsOfWorks(works: readonly ManifestWork[]): ManifestNews {
  const conditions = works.map((work) => freshCondition(work, manifestWorkConditionTypes.applied));
  const failure = conditions.find((condition) => condition?.status === "False");
  if (failure !== undefined) {
    return failed(addonReasons.manifestAppliedFailed, "failed to apply the manifests of addon");
  }
  return conditions.includes(undefined)
    ? { kind: "pending" }
    : applied("manifests of addon are applied successfully");
}

/** What the work agent says about the present content of the work. */
function freshCondition({ metadata, status }: ManifestWork, type: string): Condition | undefined {
  const found = findCondition(status.conditions, type);
  const seen = found?.observedGeneration ?? metadata.generation;
  return seen === metadata.generation ? found : undefined;
}

function withManifests(
  conditions: readonly Condition[],
  news: ManifestNews,
  now: Date,
): readonly Condition[] {
  const type = addonConditionTypes.manifestApplied;
  if (news.kind === "condition") return withCondition(conditions, news.update, now);
  if (news.kind === "unchanged") return conditions;
  // An old failure is not about what is being applied now; an old success is nearly so.
  return conditions.filter((entry) => entry.type !== type || entry.status === "True");
}

function failed(reason: string, message: string): ManifestNews {
  const type = addonConditionTypes.manifestApplied;
  return { kind: "condition", update: { type, status: "False", reason, message } };
}

function applied(message: string): ManifestNews {
  const type = addonConditionTypes.manifestApplied;
  const reason = addonReasons.manifestApplied;
  return { kind: "condition", update: { type, status: "True", reason, message } };
}
