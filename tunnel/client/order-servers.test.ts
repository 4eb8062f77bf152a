import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { orderServers, type ServerState } from "./order-servers.ts";

type Server = ServerState & { readonly name: string };

function server(name: string, overrides: Partial<ServerState> = {}): Server {
  const usual = { isReady: true, isPending: false, isHinted: false, load: 0 } as const;
  return { name, holding: "serving", ...usual, ...overrides };
}

describe("orderServers()", () => {
  const lost = { isReady: false, holding: "unknown" } as const;
  const cases: Readonly<Record<string, readonly [readonly Server[], readonly string[]]>> = {
    "asks the least loaded first": [
      [server("a", { load: 2 }), server("b", { load: 1 })],
      ["b", "a"],
    ],
    "never asks one that does not hold the host": [
      [server("a", { holding: "none" }), server("b")],
      ["b"],
    ],
    "asks nobody where nobody holds it": [[server("a", { holding: "none" })], []],
    "asks those that say nothing after those that hold it, the hinted one first": [
      [
        server("a", { holding: "unknown" }),
        server("b", { holding: "unknown", isHinted: true }),
        server("c", { load: 9 }),
      ],
      ["c", "b", "a"],
    ],
    "asks one that is about to end only after the others": [
      [server("a", { holding: "draining" }), server("b", { holding: "unknown" })],
      ["b", "a"],
    ],
    "asks one that is about to end where there is no other": [
      [server("a", { holding: "draining" }), server("b", { holding: "none" })],
      ["a"],
    ],
    "asks one that may be back in a moment last": [
      [server("a", { ...lost, isPending: true }), server("b", { holding: "draining" })],
      ["b", "a"],
    ],
    "asks none that is lost where others know better": [
      [server("a", lost), server("b", { holding: "none" })],
      [],
    ],
    "asks one that is lost where nobody knows better": [
      [server("a", lost), server("b", { holding: "unknown" })],
      ["b", "a"],
    ],
  };
  for (const [name, [servers, want]] of Object.entries(cases)) {
    it(name, () => {
      const ordered = orderServers(
        servers,
        (state) => state,
        () => 0,
      );
      assert.deepEqual(
        ordered.map((one) => one.name),
        want,
      );
    });
  }

  it("chooses between equals at random", () => {
    const chances = [0.9, 0.1];
    const ordered = orderServers(
      [server("a"), server("b")],
      (state) => state,
      () => chances.shift() ?? 0,
    );
    assert.deepEqual(
      ordered.map((one) => one.name),
      ["b", "a"],
    );
  });
});
