import { type KubeObject, type ManagedCluster, ocmAnnotations } from "#api";
import { type CacheChange, type ObjectCache, onCacheChange, type Trigger } from "#kube";
import { isSame } from "../canonical-json.ts";

/** The cluster in whose namespace the object is. */
export function clusterOf({ before, after }: CacheChange<KubeObject>): readonly string[] {
  const namespace = (after ?? before)?.metadata.namespace;
  return namespace === undefined ? [] : [namespace];
}

/** The cluster, when something about it changed that addons depend on. Heartbeats do not count. */
export function changedCluster({
  key,
  before,
  after,
}: CacheChange<ManagedCluster>): readonly string[] {
  return isSame(essenceOf(before), essenceOf(after)) ? [] : [key];
}

/** Every cluster that has the addon. */
export function allClusters(addons: ObjectCache<KubeObject>): () => readonly string[] {
  return () => addons.list().flatMap((after) => clusterOf({ key: "", before: undefined, after }));
}

/**
 * Changes of what is asked for; a status that was written, by us as a rule, is none. Tells the key
 * of what has changed, and those of `others`.
 */
export function onSpecChange(
  cache: ObjectCache<KubeObject>,
  others: () => readonly string[] = () => [],
): Trigger {
  return onCacheChange(cache, ({ key, before, after }) => {
    const [old, present] = [before?.metadata, after?.metadata];
    const isStatusOnly =
      old !== undefined && old.uid === present?.uid && old.generation === present?.generation;
    return isStatusOnly && old.deletionTimestamp === present?.deletionTimestamp
      ? []
      : [...new Set([key, ...others()])];
  });
}

/** A trigger whose empty key stands for all keys. */
export function ofEveryCluster(trigger: Trigger, every: () => readonly string[]): Trigger {
  return {
    subscribe: (enqueue) =>
      trigger.subscribe((key) => {
        for (const each of key === "" ? every() : [key]) enqueue(each);
      }),
    waitForSync: (signal) => trigger.waitForSync(signal),
  };
}

function essenceOf(cluster: ManagedCluster | undefined): unknown {
  if (cluster === undefined) return undefined;
  const { metadata, spec, status } = cluster;
  return [
    spec.hubAcceptsClient,
    metadata.deletionTimestamp,
    metadata.labels,
    metadata.annotations?.[ocmAnnotations.imageRegistries],
    status.conditions.map((entry) => [entry.type, entry.status]),
  ];
}
