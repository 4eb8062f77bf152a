import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { coresOf, ownFile, shareOf, workerRole } from "./workers.ts";

describe("coresOf()", () => {
  const cases = [
    { limit: "max 100000\n", cores: 1 },
    { limit: "50000 100000\n", cores: 1 },
    { limit: "100000 100000\n", cores: 1 },
    { limit: "250000 100000\n", cores: 2 },
    { limit: "400000 100000", cores: 4 },
    { limit: "100000000 100000", cores: 64 },
    { limit: "", cores: 1 },
    { limit: "what", cores: 1 },
  ];
  for (const { limit, cores } of cases) {
    it(`gives ${cores} for ${JSON.stringify(limit)}`, () => assert.equal(coresOf(limit), cores));
  }
});

describe("workerRole()", () => {
  it("is to serve alone with one worker, and to start them with more", () => {
    const slot = undefined;
    assert.deepEqual(workerRole({ workers: 1 }), { kind: "alone", count: 1, slot });
    assert.deepEqual(workerRole({ workers: 2 }), { kind: "starter", count: 2, slot });
  });

  it("refuses what is no number of processes", () => {
    for (const workers of [-1, 65]) assert.throws(() => workerRole({ workers }), /--workers=/);
  });
});

describe("ownFile()", () => {
  const second = { slot: 2 };
  const cases = [
    { path: "/var/log/audit.log", own: "/var/log/audit-2.log" },
    { path: "/var/log.d/audit", own: "/var/log.d/audit-2" },
    { path: "-", own: "-" },
    { path: "", own: "" },
  ];
  for (const { path, own } of cases) {
    it(`of worker 2 for "${path}" is "${own}"`, () => assert.equal(ownFile(path, second), own));
  }

  it("is the path itself for a process that serves alone", () => {
    assert.equal(ownFile("/audit.log", { slot: undefined }), "/audit.log");
  });
});

describe("shareOf()", () => {
  it("gives each worker its part, and rather more than less", () => {
    assert.equal(shareOf(2000, { count: 2 }), 1000);
    assert.equal(shareOf(5, { count: 2 }), 3);
    assert.equal(shareOf(400, { count: 1 }), 400);
  });
});
