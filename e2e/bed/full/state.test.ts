import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ProcessFacts } from "./processes.ts";
import type { BedRecord } from "./record.ts";
import { judgeBed, type WantedBed } from "./state.ts";

const wanted: WantedBed = {
  root: "/mine/.bed",
  clusters: ["hub", "managed1"],
  fingerprint: "these versions",
};

function makeRecord(overrides: Partial<BedRecord> = {}): BedRecord {
  return {
    ...wanted,
    clusters: [...wanted.clusters],
    complete: true,
    kernelSettings: {},
    ...overrides,
  };
}

function makeProcess(pid: number, cgroup: string, overrides: Partial<ProcessFacts>): ProcessFacts {
  const base = { pid, parent: 1, argv: [], namespacePids: [pid], network: "net:[1]" };
  return { ...base, cgroups: [cgroup], ...overrides };
}

const node = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];
const runtime = ["containerd", "kubelet", "kube-proxy"];
const ocm: Readonly<Record<string, readonly string[]>> = {
  hub: ["ocm-registration", "ocm-addon", "ocm-placement", "ocm-addon-conversion"],
  managed1: ["ocm-registration-agent", "ocm-work-agent"],
};

/** All that a whole bed runs, without those that are named. */
function makeProcesses(...without: readonly string[]): readonly ProcessFacts[] {
  const supervised = (cgroup: string, name: string): ProcessFacts =>
    makeProcess(7, cgroup, { argv: ["/bin/bash", "/bed/machine/supervise.sh", name, "/log"] });
  const found: ProcessFacts[] = [];
  for (const [cluster, programs] of Object.entries(ocm)) {
    const machine = `/spokeway/${cluster}/machine`;
    if (!without.includes(cluster)) {
      found.push(makeProcess(2, machine, { namespacePids: [2, 1] }));
    }
    for (const name of [...node, ...runtime, ...programs]) {
      if (!without.includes(`${name} on ${cluster}`)) found.push(supervised(machine, name));
    }
    for (const name of [`${cluster}-inside`, `${cluster}-outside`]) {
      if (!without.includes(name)) found.push(supervised("/spokeway/forward", name));
    }
  }
  return found;
}

describe("judgeBed()", () => {
  it("leaves a bed alone that runs all that this checkout wants", () => {
    assert.deepEqual(judgeBed(makeRecord(), makeProcesses(), wanted), { kind: "running" });
  });

  it("calls a whole bed of another checkout foreign", () => {
    const record = makeRecord({ root: "/other/.bed" });
    const want = { kind: "foreign", root: "/other/.bed" };
    assert.deepEqual(judgeBed(record, makeProcesses(), wanted), want);
  });

  it("calls a bed of another checkout broken once something of it has ended", () => {
    const record = makeRecord({ root: "/other/.bed" });
    assert.equal(judgeBed(record, makeProcesses("hub"), wanted).kind, "broken");
  });

  it("calls a bed broken that never came up, whatever runs", () => {
    const record = makeRecord({ complete: false });
    assert.equal(judgeBed(record, makeProcesses(), wanted).kind, "broken");
  });

  it("calls a bed broken that has other clusters or other versions", () => {
    const other = makeRecord({ clusters: ["hub", "managed1"], fingerprint: "others" });
    assert.equal(judgeBed(other, makeProcesses(), wanted).kind, "broken");
    const two = { ...wanted, clusters: ["hub", "managed1", "managed2"] };
    assert.equal(judgeBed(makeRecord(), makeProcesses(), two).kind, "broken");
  });

  for (const missing of ["kubelet on hub", "ocm-work-agent on managed1", "managed1-outside"]) {
    it(`names ${missing} where it does not run`, () => {
      const want = { kind: "broken", why: `not running: ${missing}` };
      assert.deepEqual(judgeBed(makeRecord(), makeProcesses(missing), wanted), want);
    });
  }
});
