import { type ConfigMap, type ExposedService, parseExposedServices } from "#api";
import type { ObjectCache } from "#kube";
import { describeError, type Logger } from "#runtime";

/**
 * Follows the ConfigMap of exposed services. While it cannot be read, the last list that could stays;
 * when it goes, nothing is exposed.
 */
export function followExposedServices(
  cache: Pick<ObjectCache<ConfigMap>, "onChange">,
  configMap: { readonly namespace: string; readonly name: string },
  log: Logger,
): () => readonly ExposedService[] {
  let current: readonly ExposedService[] = [];
  cache.onChange(({ key, after }) => {
    if (key !== `${configMap.namespace}/${configMap.name}`) return;
    try {
      current = after === undefined ? [] : parseExposedServices(after.data ?? {});
      log.info("Exposed services changed", { services: current.length });
    } catch (error) {
      log.error("Cannot use exposed services, keeping the last list", {
        configMap: key,
        error: describeError(error),
      });
    }
  });
  return () => current;
}
