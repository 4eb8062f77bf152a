import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Lease } from "#api";
import { countValidLeases } from "./server-leases.ts";

const nowMs = Date.parse("2026-01-01T00:01:00Z");

function lease(spec: Lease["spec"]): Lease {
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name: "a" },
    ...(spec !== undefined && { spec }),
  };
}

describe("countValidLeases()", () => {
  const cases: Readonly<Record<string, readonly [Lease["spec"], number]>> = {
    "counts one that was renewed in time": [
      { renewTime: "2026-01-01T00:00:45.000000Z", leaseDurationSeconds: 30 },
      1,
    ],
    "leaves out one that has expired": [
      { renewTime: "2026-01-01T00:00:30.000000Z", leaseDurationSeconds: 30 },
      0,
    ],
    "takes the time of acquiring where it was never renewed": [
      { acquireTime: "2026-01-01T00:00:45.000000Z", leaseDurationSeconds: 30 },
      1,
    ],
    "leaves out one without times": [{ leaseDurationSeconds: 30 }, 0],
    "leaves out one without a duration": [{ renewTime: "2026-01-01T00:00:45.000000Z" }, 0],
    "leaves out one without a spec": [undefined, 0],
  };
  for (const [name, [spec, want]] of Object.entries(cases)) {
    it(name, () => assert.equal(countValidLeases([lease(spec)], nowMs), want));
  }
});
