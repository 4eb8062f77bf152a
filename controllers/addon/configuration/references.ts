import type { AddOnConfig, ConfigReference } from "#api";
import type { ConfigSource, KnownConfig } from "./config-source.ts";

/** What the configuration of one addon on one cluster amounts to. */
export type Resolution =
  | {
      readonly kind: "resolved";
      readonly configs: readonly KnownConfig[];
      /** For the ManifestWorks: which state of each configuration they were made from. */
      readonly hashes: Readonly<Record<string, string>>;
    }
  /** OCM or an administrator has yet to do something; a change of the addon or a config follows. */
  | { readonly kind: "waiting"; readonly message: string | undefined };

/**
 * Resolves the references that OCM's addon manager has chosen. A configuration is used only in
 * the state whose hash the reference names: another state belongs to a rollout that has not
 * reached this cluster.
 */
export function resolveReferences(
  references: readonly ConfigReference[],
  source: ConfigSource,
): Resolution {
  const configs: KnownConfig[] = [];
  const hashes: Record<string, string> = {};
  for (const reference of references) {
    const { desiredConfig } = reference;
    if (desiredConfig === undefined || desiredConfig === null) continue;
    const { name, namespace = "", specHash } = desiredConfig;
    const key = `${reference.resource}.${reference.group}/${namespace}/${name}`;
    hashes[key] = specHash;
    if (!source.isSupported(reference)) continue;
    // The hash is on its way: we write it, and OCM's addon manager passes it on.
    if (specHash === "") return { kind: "waiting", message: undefined };
    const known = source.find(reference, desiredConfig);
    if (known === undefined) return { kind: "waiting", message: `${key} does not exist` };
    if (known.specHash !== specHash) {
      return { kind: "waiting", message: `the present state of ${key} is not rolled out yet` };
    }
    configs.push(known);
  }
  return { kind: "resolved", configs, hashes };
}

/**
 * The references with what is ours in them: the generation that we have seen, and the hash where
 * the addon itself names the configuration. The other hashes come from the ClusterManagementAddOn.
 */
export function withObservations(
  references: readonly ConfigReference[],
  own: readonly AddOnConfig[],
  source: ConfigSource,
): readonly ConfigReference[] {
  return references.map((reference) => {
    const { desiredConfig } = reference;
    if (desiredConfig === undefined || desiredConfig === null) return reference;
    const known = source.find(reference, desiredConfig);
    if (known === undefined) return reference;
    const { generation } = known.object.metadata;
    const isOwn = own.some(
      ({ group, resource, namespace = "", name }) =>
        group === reference.group &&
        resource === reference.resource &&
        namespace === (desiredConfig.namespace ?? "") &&
        name === desiredConfig.name,
    );
    return {
      ...reference,
      ...(isOwn ? { desiredConfig: { ...desiredConfig, specHash: known.specHash } } : {}),
      ...(generation === undefined ? {} : { lastObservedGeneration: generation }),
    };
  });
}
