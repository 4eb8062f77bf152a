import type { ConfigGroupResource, ConfigSpecHash, KubeObject, ResourceType } from "#api";
import type { ObjectCache } from "#kube";
import { specHash } from "./spec-hash.ts";

/** One configuration that exists, with its hash. */
export interface KnownConfig {
  readonly type: ResourceType;
  readonly object: KubeObject;
  readonly specHash: string;
}

/** Where the configurations of some kinds are looked up. */
export interface ConfigSource {
  /** The kinds that it knows, for `status.supportedConfigs`. */
  readonly kinds: readonly ResourceType[];
  /** True when the kind is one of them. */
  isSupported(kind: ConfigGroupResource): boolean;
  find(
    kind: ConfigGroupResource,
    key: Pick<ConfigSpecHash, "namespace" | "name">,
  ): KnownConfig | undefined;
}

export interface ConfigCache {
  readonly type: ResourceType;
  /** Of the objects as the API server sends them: hashes are made of nothing else. */
  readonly cache: ObjectCache<KubeObject>;
}

/** Looks configurations up in caches, one for each kind. */
export function createConfigSource(caches: readonly ConfigCache[]): ConfigSource {
  const entryOf = ({ group, resource }: ConfigGroupResource): ConfigCache | undefined =>
    caches.find(({ type }) => type.group === group && type.plural === resource);
  return {
    kinds: caches.map(({ type }) => type),
    isSupported: (kind) => entryOf(kind) !== undefined,
    find(kind, { namespace, name }) {
      const entry = entryOf(kind);
      const isNamespaced = namespace !== undefined && namespace !== "";
      const object = entry?.cache.get(isNamespaced ? `${namespace}/${name}` : name);
      if (entry === undefined || object === undefined) return undefined;
      return { type: entry.type, object, specHash: specHash(object) };
    },
  };
}
