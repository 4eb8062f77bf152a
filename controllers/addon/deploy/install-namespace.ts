import { addOnDeploymentConfig } from "#api";
import type { AddonView } from "../addon-view.ts";
import type { ConfigSource } from "../configuration/config-source.ts";
import type { AddonDefinition } from "../definition.ts";

/** The namespace of the agent: of the AddOnDeploymentConfig, else of the addon, else our own. */
export function installNamespace(
  { installNamespace: { default: fallback, isChosenByAddon } }: AddonDefinition,
  source: ConfigSource,
  { installNamespace: chosen, status }: AddonView,
): string {
  const configured = configuredNamespace(source, status.configReferences);
  if (configured !== undefined && configured !== "") return configured;
  return isChosenByAddon && chosen !== undefined && chosen !== "" ? chosen : fallback;
}

function configuredNamespace(
  source: ConfigSource,
  references: AddonView["status"]["configReferences"],
): string | undefined {
  for (const reference of references) {
    if (reference.resource !== "addondeploymentconfigs") continue;
    if (reference.desiredConfig === undefined || reference.desiredConfig === null) continue;
    const known = source.find(reference, reference.desiredConfig);
    // One that cannot be read is refused, with a condition, when the manifests are made.
    const parsed = known && addOnDeploymentConfig.safeParse(known.object);
    if (parsed?.success === true) return parsed.data.spec.agentInstallNamespace;
  }
  return undefined;
}
