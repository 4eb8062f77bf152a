import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseLibraries } from "./project-image.ts";

describe("parseLibraries()", () => {
  it("takes every object with a path, the loader too, and not the kernel's own", () => {
    const printed = [
      "\tlinux-vdso.so.1 (0x00007ffd)",
      "\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f01)",
      "\t/lib64/ld-linux-x86-64.so.2 (0x00007f02)",
      "",
    ].join("\n");
    assert.deepEqual(parseLibraries(printed), [
      "/lib/x86_64-linux-gnu/libc.so.6",
      "/lib64/ld-linux-x86-64.so.2",
    ]);
  });
});
