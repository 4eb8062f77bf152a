import type { KubeObject } from "#api";

/** One line of a watch. */
export type WatchLine =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: KubeObject }
  | { readonly type: "BOOKMARK"; readonly object: KubeObject }
  | { readonly type: "ERROR"; readonly object: { readonly code?: number } };

/**
 * Where a list-watch stands:
 *
 * - `listing`: nothing is known, or it is too old; a list comes next.
 * - `watching`: all up to `resourceVersion` is known; a watch from there comes next.
 */
export type WatchState =
  | { readonly kind: "listing" }
  | { readonly kind: "watching"; readonly resourceVersion: string };

export const listing: WatchState = { kind: "listing" };

/** After a list that answered with `resourceVersion`. */
export function afterList(resourceVersion: string): WatchState {
  return { kind: "watching", resourceVersion };
}

/** After one line of the watch. An ERROR line means that the server forgot our place. */
export function afterLine(line: WatchLine): WatchState {
  if (line.type === "ERROR") return listing;
  return { kind: "watching", resourceVersion: line.object.metadata.resourceVersion ?? "" };
}

/** Parses one line. Throws a SyntaxError when it is no watch event. */
export function parseWatchLine(line: string): WatchLine {
  const event = JSON.parse(line) as Partial<WatchLine>;
  if (event.type === undefined || event.object === undefined) {
    throw new SyntaxError("Cannot read watch event: it has no type or no object");
  }
  return event as WatchLine;
}
