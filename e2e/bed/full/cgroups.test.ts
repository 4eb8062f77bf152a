import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ancestry, parseHierarchies } from "./cgroups.ts";
import { isInCgroup, parseCgroups } from "./processes.ts";

describe("parseHierarchies()", () => {
  it("finds both kinds on a hybrid host, and no other mount", () => {
    const mounts = [
      "tmpfs /sys/fs/cgroup tmpfs rw 0 0",
      "cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0",
      "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0",
      "",
    ];
    assert.deepEqual(parseHierarchies(mounts.join("\n")), [
      { mount: "/sys/fs/cgroup/cpu", version: 1 },
      { mount: "/sys/fs/cgroup/unified", version: 2 },
    ]);
  });
});

describe("ancestry()", () => {
  it("lists a cgroup and those above it, shortest first", () => {
    assert.deepEqual(ancestry("/a/b/c"), ["/a", "/a/b", "/a/b/c"]);
  });
});

describe("parseCgroups()", () => {
  it("reads the path of every hierarchy, even one with a colon in it", () => {
    assert.deepEqual(parseCgroups("4:cpu:/a/b\n1:name=systemd:/c:d\n0::/e\n"), [
      "/a/b",
      "/c:d",
      "/e",
    ]);
  });
});

describe("isInCgroup()", () => {
  const facts = { pid: 1, parent: 0, argv: [], namespacePids: [1], network: "", cgroups: ["/a/b"] };
  it("holds for the cgroup itself and for those above it", () => {
    assert.ok(isInCgroup(facts, "/a/b"));
    assert.ok(isInCgroup(facts, "/a"));
    assert.ok(!isInCgroup(facts, "/a/b/c"));
    assert.ok(!isInCgroup({ ...facts, cgroups: ["/ab"] }, "/a"));
  });
});
