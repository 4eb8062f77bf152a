import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BackendReport, Report } from "../wire/packet.ts";
import { Holdings } from "./holdings.ts";

function backend(id: bigint, overrides: Partial<BackendReport> = {}): BackendReport {
  return { id, isGone: false, isDraining: false, servesAny: false, hosts: ["a"], ...overrides };
}

function report(isWhole: boolean, ...backends: readonly BackendReport[]): Report {
  return { type: "report", isWhole, backends };
}

function holdingsAfter(...packets: readonly Parameters<Holdings["take"]>[0][]): Holdings {
  const holdings = new Holdings();
  for (const packet of packets) holdings.take(packet);
  return holdings;
}

describe("Holdings.of()", () => {
  const drain = { type: "drain" } as const;
  const cases: Readonly<Record<string, readonly [Holdings, string]>> = {
    "knows nothing before a report": [holdingsAfter(), "unknown"],
    "is served by a backend that names it": [holdingsAfter(report(true, backend(1n))), "serving"],
    "is served by a backend that is asked for any host": [
      holdingsAfter(report(true, backend(1n, { hosts: [], servesAny: true }))),
      "serving",
    ],
    "is served by nobody": [holdingsAfter(report(true, backend(1n, { hosts: ["b"] }))), "none"],
    "is served by nobody any more once its backend is gone": [
      holdingsAfter(report(true, backend(1n)), report(false, backend(1n, { isGone: true }))),
      "none",
    ],
    "drains with its only backend": [
      holdingsAfter(report(true, backend(1n)), report(false, backend(1n, { isDraining: true }))),
      "draining",
    ],
    "is served while one of its backends does not drain": [
      holdingsAfter(report(true, backend(1n, { isDraining: true }), backend(2n))),
      "serving",
    ],
    "drains with the server": [holdingsAfter(report(true, backend(1n)), drain), "draining"],
    "is what the last whole report says": [
      holdingsAfter(report(true, backend(1n)), drain, report(true)),
      "none",
    ],
    "follows a backend to other hosts": [
      holdingsAfter(report(true, backend(1n)), report(false, backend(1n, { hosts: ["b"] }))),
      "none",
    ],
  };
  for (const [name, [holdings, want]] of Object.entries(cases)) {
    it(name, () => assert.equal(holdings.of("a"), want));
  }

  it("knows nothing once the server is heard no more", () => {
    const holdings = holdingsAfter(report(true, backend(1n)));
    holdings.forget();
    assert.equal(holdings.of("a"), "unknown");
  });
});

describe("Holdings.isLeft()", () => {
  it("is true of backends that drain or are gone, and of all when the server leaves", () => {
    const holdings = holdingsAfter(report(true, backend(1n), backend(2n, { isDraining: true })));
    assert.deepEqual(
      [1n, 2n, 3n].map((id) => holdings.isLeft(id)),
      [false, true, true],
    );
    holdings.take({ type: "drain" });
    assert.equal(holdings.isLeft(1n), true);
  });
});
