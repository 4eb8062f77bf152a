import type { ConfigMap } from "#api";
import type { ObjectCache } from "#kube";
import { describeError, type Logger } from "#runtime";
import { noTrust, parseTrust, type Trust, trustConfigMap } from "./trust.ts";

/** Whom to believe, as the hub says at this moment. */
export interface TrustSource {
  readonly current: Trust;
  /** Calls back after each change. */
  onChange(listener: (trust: Trust) => void): void;
  /** Why nobody can be believed, or `undefined`. */
  reasonNotReady(): string | undefined;
}

/** Follows the ConfigMap in a cache. What cannot be read is logged, and the last state stays. */
export function followTrust(
  cache: Pick<ObjectCache<ConfigMap>, "onChange" | "isSynced">,
  log: Logger,
): TrustSource {
  const listeners = new Set<(trust: Trust) => void>();
  let current = noTrust;
  cache.onChange(({ after }) => {
    if (after?.metadata.name !== trustConfigMap.name) return;
    try {
      current = parseTrust(after, current.generation + 1);
    } catch (error) {
      log.error("Cannot read whom to trust, keeping the last state", {
        configMap: `${trustConfigMap.namespace}/${trustConfigMap.name}`,
        error: describeError(error),
      });
      return;
    }
    for (const listener of listeners) listener(current);
  });
  return {
    get current() {
      return current;
    },
    onChange: (listener) => void listeners.add(listener),
    reasonNotReady() {
      if (current.generation > 0) return undefined;
      const { namespace, name } = trustConfigMap;
      return `ConfigMap ${namespace}/${name} has not been read`;
    },
  };
}
