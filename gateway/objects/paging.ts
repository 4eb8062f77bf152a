import * as z from "zod";
import type { ClusterGateway } from "#api";
import { GatewayError } from "../answers/gateway-error.ts";
import type { Change } from "../clusters/change-log.ts";
import type { ClusterStore } from "../clusters/cluster-store.ts";
import { isNewer } from "../clusters/convert.ts";
import { type ListOptions, selected } from "./list-options.ts";

/** One page of a list. */
export interface Page {
  readonly items: readonly ClusterGateway[];
  readonly resourceVersion: string;
  /** Where the next page begins; absent on the last one. */
  readonly continue?: string;
  /** How many follow; only known where nothing selects. */
  readonly remainingItemCount?: number;
}

type Store = Pick<ClusterStore, "list" | "version" | "changes">;

/**
 * The page that was asked for, all pages of one list as of one moment. Throws a GatewayError
 * `expired` when that moment is forgotten, with a token for the rest as it is now.
 */
export function pageOf(store: Store, options: ListOptions): Page {
  const place = placeOf(store, options);
  const all = selected(place.items, options);
  const from = all.findIndex(({ metadata: { name } }) => name > place.after);
  const rest = from < 0 ? [] : all.slice(from);
  const items = options.limit === 0 ? rest : rest.slice(0, options.limit);
  const last = items.at(-1);
  const { resourceVersion } = place;
  if (last === undefined || items.length === rest.length) return { items, resourceVersion };
  return {
    items,
    resourceVersion,
    continue: tokenOf(resourceVersion, last.metadata.name),
    ...(options.hasSelector ? {} : { remainingItemCount: rest.length - items.length }),
  };
}

interface Place {
  readonly items: readonly ClusterGateway[];
  readonly resourceVersion: string;
  /** Name of the last object that the client has. */
  readonly after: string;
}

function placeOf(store: Store, options: ListOptions): Place {
  const now = store.version();
  const isExact = options.resourceVersionMatch === "Exact";
  if (options.continue === "") {
    const { resourceVersion } = options;
    if (!isExact) return { items: store.list(), resourceVersion: now, after: "" };
    const items = listAt(store, resourceVersion);
    if (items !== undefined) return { items, resourceVersion, after: "" };
    throw new GatewayError("expired", `The resourceVersion ${resourceVersion} is too old`);
  }
  const { version, after } = readToken(options.continue);
  // The client was told that the rest of its list is of another moment, and went on.
  if (version === "") return { items: store.list(), resourceVersion: now, after };
  const items = listAt(store, version);
  if (items !== undefined) return { items, resourceVersion: version, after };
  throw new GatewayError(
    "expired",
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list.",
    { details: { continue: tokenOf("", after) } },
  );
}

/** The list as it was at a version, or `undefined` when that is forgotten. */
function listAt(store: Store, at: string): Place["items"] | undefined {
  if (!isNewer(store.version(), at)) return store.list();
  const since = store.changes.since(at);
  return since === undefined ? undefined : undone(store.list(), since);
}

function undone(
  items: readonly ClusterGateway[],
  changes: readonly Change<ClusterGateway>[],
): readonly ClusterGateway[] {
  const byName = new Map(items.map((item) => [item.metadata.name, item]));
  for (const { item, before } of changes.toReversed()) {
    if (before === undefined) byName.delete(item.metadata.name);
    else byName.set(item.metadata.name, before);
  }
  return [...byName.values()].toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

const token = z.object({ v: z.string().regex(/^\d*$/), after: z.string() });

function tokenOf(version: string, after: string): string {
  return Buffer.from(JSON.stringify({ v: version, after })).toString("base64url");
}

function readToken(text: string): { readonly version: string; readonly after: string } {
  try {
    const { v: version, after } = token.parse(
      JSON.parse(Buffer.from(text, "base64url").toString()),
    );
    return { version, after };
  } catch (cause) {
    throw new GatewayError("bad_request", "continue key is not valid", { cause });
  }
}
