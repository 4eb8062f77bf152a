import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { planCleanup } from "./cleanup.ts";
import type { ProcessFacts } from "./processes.ts";

const hostNetwork = "net:[1]";

function makeProcess(pid: number, overrides: Partial<ProcessFacts> = {}): ProcessFacts {
  return {
    pid,
    parent: 1,
    argv: ["sleep"],
    cgroups: ["/"],
    namespacePids: [pid],
    network: hostNetwork,
    ...overrides,
  };
}

const named = new Map([
  ["spokeway-wan", "net:[10]"],
  ["spokeway-hub", "net:[11]"],
  ["somebody-elses", "net:[12]"],
]);

interface Case {
  readonly processes: readonly ProcessFacts[];
  readonly want: readonly number[];
}

const cases: Readonly<Record<string, Case>> = {
  "spares what only has the name of one of the bed's programs": {
    processes: [makeProcess(5, { argv: ["/usr/bin/kubelet"] })],
    want: [],
  },
  "ends what runs below the bed's cgroup": {
    processes: [makeProcess(5, { cgroups: ["/user", "/spokeway/hub/machine"] })],
    want: [5],
  },
  "spares a cgroup whose name only begins like the bed's": {
    processes: [makeProcess(5, { cgroups: ["/spokeway-of-mine"] })],
    want: [],
  },
  "ends what lives in one of the bed's network namespaces": {
    processes: [makeProcess(5, { network: "net:[11]" })],
    want: [5],
  },
  "spares what lives in somebody else's network namespace": {
    processes: [makeProcess(5, { network: "net:[12]" })],
    want: [],
  },
  "ends first processes first, since others end with them": {
    processes: [
      makeProcess(5, { cgroups: ["/spokeway/hub"] }),
      makeProcess(6, { cgroups: ["/spokeway/hub"], namespacePids: [6, 1] }),
    ],
    want: [6, 5],
  },
  "spares itself and what started it": {
    processes: [
      makeProcess(90, { cgroups: ["/spokeway/hub"], parent: 80 }),
      makeProcess(80, { cgroups: ["/spokeway/hub"] }),
      makeProcess(70, { cgroups: ["/spokeway/hub"] }),
    ],
    want: [70],
  },
};

describe("planCleanup()", () => {
  for (const [name, { processes, want }] of Object.entries(cases)) {
    it(name, () => assert.deepEqual(planCleanup(processes, named, 90).processes, want));
  }

  it("removes the namespaces of the bed's name and no others", () => {
    assert.deepEqual(planCleanup([], named, 90).namespaces, ["spokeway-wan", "spokeway-hub"]);
  });
});
