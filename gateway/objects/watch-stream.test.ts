import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { ClusterGateway } from "#api";
import type { Exchange } from "#proxy";
import { createChangeLog } from "../clusters/change-log.ts";
import type { Cluster } from "../clusters/cluster.ts";
import type { ClusterStore } from "../clusters/cluster-store.ts";
import { streamWatch } from "./watch-stream.ts";

function makeCluster(name: string, resourceVersion: string): Cluster {
  return {
    name,
    resourceVersion,
    creationTimestamp: undefined,
    credentialType: "ServiceAccountToken",
    credential: { kind: "token", token: "t" },
    endpoint: { kind: "tunnel", ca: "CA" },
    isHealthy: false,
    healthyReason: undefined,
    connectionFingerprint: "",
  };
}

/** A store with one cluster at version 5, and a watch on it. */
function startWatch(query: string, bookmarkIntervalMs = 60_000) {
  const changes = createChangeLog<Cluster>(() => "5");
  const store: Pick<ClusterStore, "changes" | "list" | "version"> = {
    changes,
    list: () => [makeCluster("a", "5")],
    version: () => "5",
  };
  const stream = new PassThrough();
  const exchange: Pick<Exchange, "respond"> = {
    respond: () => ({ stream, trailers: () => undefined }),
  };
  const stop = new AbortController();
  const begin = () => {
    streamWatch(exchange as Exchange, store as ClusterStore, {
      rendering: { one: (item) => item, many: () => undefined },
      isSelected: ({ name }) => name !== "hidden",
      query: new URLSearchParams(query),
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
  return { begin, changes, events, stream, stop };
}

describe("streamWatch()", () => {
  it("begins with all that is there, when no version is given", async () => {
    const { begin, events, stop } = startWatch("");
    begin();
    assert.deepEqual(await events(), ["ADDED a@5"]);
    stop.abort();
  });

  it("marks the end of the initial events for a client that waits for it", async () => {
    const { begin, events, stop } = startWatch("sendInitialEvents=true&resourceVersion=3");
    begin();
    assert.deepEqual(await events(), ["ADDED a@5", "BOOKMARK undefined@5"]);
    stop.abort();
  });

  it("goes on after a version, leaves out what is not selected, tells deletions with their own version", async () => {
    const { begin, changes, events, stop } = startWatch("resourceVersion=6");
    changes.append({ type: "ADDED", item: makeCluster("b", "6"), resourceVersion: "6" });
    changes.append({ type: "ADDED", item: makeCluster("c", "7"), resourceVersion: "7" });
    begin();
    changes.append({ type: "ADDED", item: makeCluster("hidden", "8"), resourceVersion: "8" });
    changes.append({ type: "DELETED", item: makeCluster("c", "7"), resourceVersion: "9" });
    assert.deepEqual(await events(), ["ADDED c@7", "DELETED c@9"]);
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
    const { begin, changes, stream, stop } = startWatch("resourceVersion=5");
    begin();
    stop.abort();
    await new Promise((resolve) => stream.once("close", resolve));
    changes.append({ type: "ADDED", item: makeCluster("b", "6"), resourceVersion: "6" });
  });
});
