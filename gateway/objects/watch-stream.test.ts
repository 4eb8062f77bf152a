import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { ClusterGateway } from "#api";
import type { Exchange } from "#proxy";
import { type Change, createChangeLog } from "../clusters/change-log.ts";
import type { ClusterStore } from "../clusters/cluster-store.ts";
import { makeGateway } from "../under-test/make-gateway.ts";
import { parseListOptions } from "./list-options.ts";
import { streamWatch } from "./watch-stream.ts";

/** A store with one cluster at version 5, and a watch on it. */
function startWatch(query: string, bookmarkIntervalMs = 60_000) {
  const changes = createChangeLog<ClusterGateway>(() => "5");
  const store: Pick<ClusterStore, "changes" | "list" | "version"> = {
    changes,
    list: () => [makeGateway("a", "5")],
    version: () => "5",
  };
  const stream = new PassThrough();
  const exchange: Pick<Exchange, "respond"> = {
    respond: () => ({ stream, trailers: () => undefined }),
  };
  const stop = new AbortController();
  const begin = () => {
    streamWatch(exchange as Exchange, store as ClusterStore, {
      ...parseListOptions(new URLSearchParams(query), true),
      rendering: {
        one: (item) => item,
        event: (item) => item,
        many: () => undefined,
        bookmark: (metadata) => ({ metadata }),
      },
      signal: stop.signal,
      bookmarkIntervalMs,
    });
  };
  let text = "";
  stream.on("data", (chunk) => {
    text += String(chunk);
  });
  const events = async () => {
    await setImmediate();
    const lines = text.split("\n").filter((line) => line !== "");
    return lines.map((line) => {
      const { type, object } = JSON.parse(line) as { type: string; object: ClusterGateway };
      return `${type} ${object.metadata.name}@${object.metadata.resourceVersion ?? ""}`;
    });
  };
  const append = (change: Partial<Change<ClusterGateway>> & { readonly item: ClusterGateway }) => {
    const resourceVersion = change.item.metadata.resourceVersion ?? "";
    const type = change.before === undefined ? "ADDED" : "MODIFIED";
    changes.append({ type, before: undefined, resourceVersion, isOutOfOrder: false, ...change });
  };
  return { begin, append, events, stream, stop };
}

describe("streamWatch()", () => {
  it("begins with all that is there, when no version is given", async () => {
    const { begin, events, stop } = startWatch("");
    begin();
    assert.deepEqual(await events(), ["ADDED a@5"]);
    stop.abort();
  });

  it("ends properly at once for a client that comes to a gateway that leaves", async () => {
    const { begin, events, stream, stop } = startWatch("");
    stop.abort();
    begin();
    assert.deepEqual(await events(), ["ADDED a@5"]);
    assert.equal(stream.writableEnded, true);
    assert.equal(stream.errored, null);
  });

  it("marks the end of the initial events for a client that waits for it", async () => {
    const query =
      "sendInitialEvents=true&resourceVersion=3&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    const { begin, events, stop } = startWatch(query);
    begin();
    assert.deepEqual(await events(), ["ADDED a@5", "BOOKMARK undefined@5"]);
    stop.abort();
  });

  it("goes on after a version, and tells deletions with their own", async () => {
    const { begin, append, events, stop } = startWatch("resourceVersion=6");
    append({ item: makeGateway("b", "6") });
    const c = makeGateway("c", "7");
    append({ item: c });
    begin();
    append({ type: "DELETED", item: c, before: c, resourceVersion: "9" });
    assert.deepEqual(await events(), ["ADDED c@7", "DELETED c@9"]);
    stop.abort();
  });

  it("says nothing twice to a client that another replica told more than this one knows", async () => {
    const { begin, append, events, stop } = startWatch("resourceVersion=8");
    begin();
    append({ item: makeGateway("b", "7") });
    append({ item: makeGateway("c", "8") });
    append({ item: makeGateway("d", "9") });
    assert.deepEqual(await events(), ["ADDED d@9"]);
    stop.abort();
  });

  it("turns changes at the edge of a selection into additions and deletions", async () => {
    const { begin, append, events, stop } = startWatch("resourceVersion=5&labelSelector=x");
    begin();
    const plain = makeGateway("a", "5");
    const labelled = makeGateway("a", "6", { x: "1" });
    append({ item: labelled, before: plain });
    append({ item: makeGateway("a", "7", { x: "2" }), before: labelled });
    append({ item: makeGateway("a", "8"), before: makeGateway("a", "7", { x: "2" }) });
    append({ item: makeGateway("b", "9") });
    assert.deepEqual(await events(), ["ADDED a@6", "MODIFIED a@7", "DELETED a@8"]);
    stop.abort();
  });

  it("asks for a new list when the version is forgotten", () => {
    const { begin } = startWatch("resourceVersion=4");
    assert.throws(begin, { code: "expired" });
  });

  it("sends bookmarks to who wants them", async () => {
    const { begin, events, stop } = startWatch("resourceVersion=5&allowWatchBookmarks=true", 5);
    begin();
    await new Promise((resolve) => setTimeout(resolve, 12));
    assert.equal((await events())[0], "BOOKMARK undefined@5");
    stop.abort();
  });

  it("ends when the gateway winds down, and hears no more", async () => {
    const { begin, append, stream, stop } = startWatch("resourceVersion=5");
    begin();
    stop.abort();
    await new Promise((resolve) => stream.once("close", resolve));
    append({ item: makeGateway("b", "6") });
  });
});
