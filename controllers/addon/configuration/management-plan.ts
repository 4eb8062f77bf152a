import type { ClusterManagementAddOn, DefaultConfigReference, InstallProgression } from "#api";
import { isSame } from "../../canonical-json.ts";
import type { ConfigSource } from "./config-source.ts";

/** The fields of a ClusterManagementAddOn's status that change, or undefined for none. */
export function planHashes(
  addon: ClusterManagementAddOn,
  source: ConfigSource,
): Readonly<Record<string, unknown>> | undefined {
  const { defaultConfigReferences, defaultconfigReferences, installProgressions } = addon.status;
  const after = {
    defaultConfigReferences: withHashes(defaultConfigReferences, source),
    defaultconfigReferences: withHashes(defaultconfigReferences, source),
    installProgressions: installProgressions?.map((progression) =>
      withProgressionHashes(progression, source),
    ),
  };
  const before = { defaultConfigReferences, defaultconfigReferences, installProgressions };
  const changes = Object.entries(after).filter(
    ([key, value]) => !isSame(value, before[key as keyof typeof before]),
  );
  return changes.length === 0 ? undefined : Object.fromEntries(changes);
}

function withHashes<Reference extends DefaultConfigReference>(
  references: readonly Reference[] | undefined,
  source: ConfigSource,
): readonly Reference[] | undefined {
  return references?.map((reference) => {
    const { desiredConfig } = reference;
    if (desiredConfig === undefined || desiredConfig === null) return reference;
    const known = source.find(reference, desiredConfig);
    if (known === undefined) return reference;
    return { ...reference, desiredConfig: { ...desiredConfig, specHash: known.specHash } };
  });
}

function withProgressionHashes(
  progression: InstallProgression,
  source: ConfigSource,
): InstallProgression {
  const configReferences = withHashes(progression.configReferences, source);
  return configReferences === undefined
    ? progression
    : { ...progression, configReferences: [...configReferences] };
}
