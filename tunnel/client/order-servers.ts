import type { Holding } from "./holdings.ts";

/** A server, as a dial to one host sees it. */
export interface ServerState {
  readonly isReady: boolean;
  /** Not connected, and not for long. */
  readonly isPending: boolean;
  readonly holding: Holding;
  /** It had an agent for the host the last time. */
  readonly isHinted: boolean;
  /** Connections that go through it now. */
  readonly load: number;
}

/**
 * The servers to ask for a host, one after the other: those that hold it, the least loaded first;
 * those that say nothing about it; those that are on their way out. One that does not hold the host
 * is never asked; one that cannot be reached only where it may be the one that does.
 */
export function orderServers<Server>(
  servers: readonly Server[],
  stateOf: (server: Server) => ServerState,
  random: () => number,
): readonly Server[] {
  const states = servers.map(stateOf);
  const isAnyKnown = states.some(({ isReady, holding }) => isReady && holding !== "unknown");
  return states
    .map((state, index) => ({ state, index, rank: rankOf(state, isAnyKnown), chance: random() }))
    .filter(({ rank }) => rank !== never)
    .toSorted((a, b) => a.rank - b.rank || a.state.load - b.state.load || a.chance - b.chance)
    .flatMap(({ index }) => servers[index] ?? []);
}

const never = Number.POSITIVE_INFINITY;

function rankOf(server: ServerState, isAnyKnown: boolean): number {
  const { isReady, isPending, holding, isHinted } = server;
  if (!isReady) return isPending || !isAnyKnown ? 4 : never;
  switch (holding) {
    case "serving":
      return 0;
    case "unknown":
      return isHinted ? 1 : 2;
    case "draining":
      return 3;
    case "none":
      return never;
  }
}
