import type { Pod } from "#api";

/** The label that tunnel server pods carry on the hub. */
export const serverPodSelector = "proxy.open-cluster-management.io/component-name=proxy-server";

/**
 * Whether a pod may take connections: running, and not on its way out. Not whether it is ready,
 * since a tunnel server is ready only once an agent has connected to it.
 */
export function isRunning({ metadata, status }: Pod): boolean {
  return metadata.deletionTimestamp === undefined && status?.phase === "Running";
}

/**
 * The names of the pods to try, best first: those that run, the ones that are not `connected` in
 * front, and beginning after the one that was tried last, so that connecting again and again reaches
 * every server.
 */
export function orderPods(
  pods: readonly Pod[],
  last: string | undefined,
  connected: readonly string[],
): readonly string[] {
  const names = pods
    .filter(isRunning)
    .map(({ metadata }) => metadata.name)
    .toSorted();
  const start = last === undefined ? 0 : names.findIndex((name) => name > last);
  const turned = start <= 0 ? names : [...names.slice(start), ...names.slice(0, start)];
  const isConnected = (name: string) => connected.includes(name);
  return turned.toSorted((a, b) => Number(isConnected(a)) - Number(isConnected(b)));
}
