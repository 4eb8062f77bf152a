import type { Pod } from "#api";

/** The label that tunnel server pods carry on the hub. */
export const serverPodSelector = "proxy.open-cluster-management.io/component-name=proxy-server";

/** Whether a pod takes connections: running, ready, and not on its way out. */
export function isServing({ metadata, status }: Pod): boolean {
  if (metadata.deletionTimestamp !== undefined || status?.phase !== "Running") return false;
  return (
    status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true
  );
}

/**
 * The names of the pods to try, best first: those that serve, beginning after the one that was
 * tried last, so that connecting again and again reaches every server.
 */
export function orderPods(pods: readonly Pod[], last: string | undefined): readonly string[] {
  const names = pods
    .filter(isServing)
    .map(({ metadata }) => metadata.name)
    .toSorted();
  const start = last === undefined ? 0 : names.findIndex((name) => name > last);
  return start <= 0 ? names : [...names.slice(start), ...names.slice(0, start)];
}
