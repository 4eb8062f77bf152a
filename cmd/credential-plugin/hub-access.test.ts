import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Environment, type HubFlags, hubAccessOf } from "./hub-access.ts";

interface Case {
  readonly flags?: Partial<HubFlags>;
  readonly environment?: Environment;
  readonly isInPod?: boolean;
  readonly want: string;
}

const cases: Readonly<Record<string, Case>> = {
  "takes what the flags say": {
    flags: { kubeconfig: "/hub", context: "hub" },
    environment: { KUBECONFIG: "/managed" },
    isInPod: true,
    want: "/hub hub",
  },
  "is the pod's own account inside of a pod": {
    environment: { KUBECONFIG: "/managed" },
    isInPod: true,
    want: "pod",
  },
  "follows a context also there": {
    flags: { context: "hub" },
    environment: { KUBECONFIG: "/both" },
    isInPod: true,
    want: "/both hub",
  },
  "takes the user's kubeconfig elsewhere": {
    environment: { KUBECONFIG: "/a" },
    want: "/a current",
  },
  "takes the one at home at last": { want: "/home/me/.kube/config current" },
};

function seen({ flags = {}, environment = {}, isInPod = false }: Omit<Case, "want">): string {
  const given = { kubeconfig: "", context: "", ...flags };
  const { kubeconfig, context } = hubAccessOf(given, { environment, home: "/home/me", isInPod });
  return kubeconfig === undefined ? "pod" : `${kubeconfig} ${context ?? "current"}`;
}

describe("hubAccessOf()", () => {
  for (const [name, { want, ...given }] of Object.entries(cases)) {
    it(name, () => assert.equal(seen(given), want));
  }

  it("does not guess among several files", () => {
    const environment = { KUBECONFIG: "/a:/b" };
    assert.throws(() => seen({ environment }), {
      message: /KUBECONFIG names 2 files: .*--kubeconfig/,
    });
  });

  it("stops when it was called by itself, which would never end", () => {
    const environment = { SPOKEWAY_CP_CREDS: "running" };
    assert.throws(() => seen({ environment }), { message: /called by itself.*--context/ });
  });
});
