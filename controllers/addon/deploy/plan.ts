import {
  addonConditionTypes,
  isConditionTrue,
  type KubeObject,
  type Manifest,
  type ManifestConfig,
  type ManifestWork,
} from "#api";
import { describeError, TerminalError } from "#runtime";
import type { Registration } from "../addon-view.ts";
import type { ConfigSource } from "../configuration/config-source.ts";
import { resolveReferences } from "../configuration/references.ts";
import type { AddonDefinition, Rendering } from "../definition.ts";
import { applyDeploymentConfig, parseDeploymentConfig } from "../rendering/deployment-config.ts";
import { clusterRegistries } from "../rendering/image-registries.ts";
import { hubRole, hubRoleBinding, isUpToDate } from "./hub-role.ts";
import { installNamespace } from "./install-namespace.ts";
import { permittedSubjects, planRegistrations } from "./registration.ts";
import type { Snapshot } from "./snapshot.ts";
import { isWorkUpToDate, replacedWork, type WorkFrame, workObject } from "./work-object.ts";
import { splitIntoWorks } from "./works.ts";

export type Action =
  | { readonly kind: "applyRole"; readonly object: KubeObject }
  | { readonly kind: "applyRoleBinding"; readonly object: KubeObject }
  | { readonly kind: "createWork"; readonly work: ManifestWork }
  | { readonly kind: "replaceWork"; readonly work: ManifestWork }
  | { readonly kind: "deleteWork"; readonly work: ManifestWork };

/** What became of the manifests. */
export type Delivery =
  | { readonly kind: "delivered"; readonly isEmpty: boolean }
  /** Not now; `message` is undefined where waiting is the normal course of things. */
  | { readonly kind: "waiting"; readonly message: string | undefined }
  | { readonly kind: "refused"; readonly message: string };

export interface Plan {
  readonly actions: readonly Action[];
  readonly registrations: readonly Registration[];
  readonly namespace: string;
  /** True when there is a Role to bind and nobody known to bind it to. */
  readonly isPermissionPending: boolean;
  readonly delivery: Delivery;
}

/** Decides, and does nothing. Addon and cluster are there; neither is being deleted. */
export function plan(definition: AddonDefinition, source: ConfigSource, snapshot: Snapshot): Plan {
  const registrations = planRegistrations(definition, snapshot.addon);
  const namespace = installNamespace(definition, source, snapshot.addon);
  const { delivery, actions } = planDelivery(definition, source, snapshot, namespace);
  return {
    ...planPermission(definition, snapshot, registrations, actions),
    registrations,
    namespace,
    delivery,
  };
}

function planPermission(
  { hubAccess }: AddonDefinition,
  { addon, version, role, roleBinding }: Snapshot,
  registrations: readonly Registration[],
  workActions: readonly Action[],
): Pick<Plan, "actions" | "isPermissionPending"> {
  if (hubAccess === undefined) return { actions: workActions, isPermissionPending: false };
  const wantedRole = hubRole(hubAccess, addon, version);
  const actions: Action[] = [];
  if (!isUpToDate(wantedRole, role)) actions.push({ kind: "applyRole", object: wantedRole });
  const subjects = permittedSubjects(registrations);
  if (subjects !== undefined) {
    const binding = hubRoleBinding(hubAccess, addon, version, subjects);
    if (!isUpToDate(binding, roleBinding)) {
      actions.push({ kind: "applyRoleBinding", object: binding });
    }
  }
  return {
    actions: [...actions, ...workActions],
    isPermissionPending: subjects === undefined,
  };
}

interface DeliveryPlan {
  readonly delivery: Delivery;
  readonly actions: readonly Action[];
}

function planDelivery(
  definition: AddonDefinition,
  source: ConfigSource,
  snapshot: Snapshot,
  namespace: string,
): DeliveryPlan {
  const waiting = (message?: string): DeliveryPlan => ({
    delivery: { kind: "waiting", message },
    actions: [],
  });
  const { addon } = snapshot;
  if (!isConditionTrue(addon.status.conditions, addonConditionTypes.configured)) return waiting();
  const resolution = resolveReferences(addon.status.configReferences, source);
  if (resolution.kind === "waiting") return waiting(resolution.message);
  const rendering = render(definition, snapshot, namespace, resolution.configs);
  if (rendering.kind === "waiting") return waiting(rendering.message);
  if (rendering.kind === "refused") return { delivery: rendering, actions: [] };
  const { manifests, manifestConfigs = [] } = rendering;
  const frame = { ...snapshot, manifests, manifestConfigs, configHashes: resolution.hashes };
  return {
    delivery: { kind: "delivered", isEmpty: manifests.length === 0 },
    actions: planWorks(definition.name, frame, snapshot.works),
  };
}

type Rendered = Rendering | { readonly kind: "refused"; readonly message: string };

function render(
  definition: AddonDefinition,
  { cluster }: Snapshot,
  namespace: string,
  configs: readonly { readonly object: KubeObject; readonly type: { readonly plural: string } }[],
): Rendered {
  try {
    const deployment = configs.find(({ type }) => type.plural === "addondeploymentconfigs");
    const deploymentConfig = deployment && parseDeploymentConfig(deployment.object);
    const rendering = definition.render({
      cluster,
      installNamespace: namespace,
      deploymentConfig,
      config: configs.find((entry) => entry !== deployment)?.object,
    });
    if (rendering.kind === "waiting") return rendering;
    const mirrors = clusterRegistries(cluster);
    const manifests = applyDeploymentConfig(rendering.manifests, deploymentConfig, mirrors);
    return { ...rendering, manifests };
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    return { kind: "refused", message: describeError(error) };
  }
}

function planWorks(
  addon: string,
  frame: WorkFrame & { readonly manifests: readonly Manifest[] } & {
    readonly manifestConfigs: readonly ManifestConfig[];
  },
  observed: readonly ManifestWork[],
): readonly Action[] {
  const contents = splitIntoWorks(`addon-${addon}-deploy-`, frame.manifests, observed);
  const writes = contents.flatMap((content): Action[] => {
    const wanted = workObject(frame, content);
    const existing = observed.find(({ metadata }) => metadata.name === content.name);
    if (existing === undefined) return [{ kind: "createWork", work: wanted }];
    if (isWorkUpToDate(wanted, existing)) return [];
    return [{ kind: "replaceWork", work: replacedWork(wanted, existing) }];
  });
  const kept = new Set(contents.map(({ name }) => name));
  const deletes = observed
    .filter(({ metadata }) => !kept.has(metadata.name))
    .map((work): Action => ({ kind: "deleteWork", work }));
  return [...writes, ...deletes];
}
