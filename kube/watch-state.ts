import { StringDecoder } from "node:string_decoder";
import type { KubeObject, Status } from "#api";
import { type ApiError, apiErrorOf } from "./api-error.ts";

/** One line of a watch. */
export type WatchLine =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: KubeObject }
  | { readonly type: "BOOKMARK"; readonly object: KubeObject }
  | { readonly type: "ERROR"; readonly object: Partial<Status> };

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

/** The error that an ERROR line tells. */
export function errorOfLine(plural: string, status: Partial<Status>): ApiError {
  return apiErrorOf(`watch ${plural}`, status.code ?? 500, JSON.stringify(status));
}

/** The lines of a stream as they come, without empty ones. A last one without its end counts. */
export async function* linesOf(stream: AsyncIterable<Buffer | string>): AsyncGenerator<string> {
  const decoder = new StringDecoder("utf8");
  // An object may come in a thousand chunks: pieces are joined once, at the end of the line.
  let pieces: string[] = [];
  for await (const chunk of stream) {
    const text = typeof chunk === "string" ? chunk : decoder.write(chunk);
    const [first = "", ...rest] = text.split("\n");
    pieces.push(first);
    for (const next of rest) {
      const line = pieces.join("");
      pieces = [next];
      if (line !== "") yield line;
    }
  }
  const last = pieces.join("");
  if (last !== "") yield last;
}

/** Parses one line. Throws a SyntaxError when it is no watch event. */
export function parseWatchLine(line: string): WatchLine {
  const event = JSON.parse(line) as Partial<WatchLine>;
  if (event.type === undefined || event.object === undefined) {
    throw new SyntaxError("Cannot read watch event: it has no type or no object");
  }
  return event as WatchLine;
}
