import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ApiError, type KubeClient } from "#kube";
import { createAnchors, isAnchored } from "./anchors.ts";

const { signal } = new AbortController();

/** A cluster in which the anchors have these uids; an error is thrown instead. */
function anchorsIn(uids: Record<string, string | Error>, ownName: string | undefined) {
  let looks = 0;
  let nowMs = 0;
  const managed: Partial<KubeClient> = {
    get: async ({ kind }, { name }) => {
      looks += 1;
      const uid = uids[kind];
      if (uid instanceof Error) throw uid;
      return { metadata: { name, uid } } as never;
    },
  };
  const anchors = createAnchors(managed as KubeClient, {
    namespace: "agent",
    ownName,
    nowMs: () => nowMs,
  });
  return { anchors, looks: () => looks, pass: (ms: number) => void (nowMs += ms) };
}

describe("createAnchors()", () => {
  it("refers to the agent's own ServiceAccount and ClusterRole", async () => {
    const { anchors } = anchorsIn({ ServiceAccount: "s", ClusterRole: "r" }, "agent-sa");
    assert.deepEqual(await anchors.serviceAccount(signal), {
      apiVersion: "v1",
      kind: "ServiceAccount",
      name: "agent-sa",
      uid: "s",
    });
    assert.deepEqual(await anchors.clusterRole(signal), {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      name: "open-cluster-management:managed-serviceaccount:addon-agent",
      uid: "r",
    });
  });

  it("knows none for an agent that acts as somebody else", async () => {
    const { anchors, looks } = anchorsIn({}, undefined);
    assert.equal(await anchors.serviceAccount(signal), undefined);
    assert.equal(looks(), 0);
  });

  it("looks once in a while, so that an anchor that was made anew is soon known", async () => {
    const uids: Record<string, string> = { ServiceAccount: "old" };
    const { anchors, looks, pass } = anchorsIn(uids, "agent-sa");
    await anchors.serviceAccount(signal);
    uids["ServiceAccount"] = "new";
    assert.equal((await anchors.serviceAccount(signal))?.uid, "old");
    assert.equal(looks(), 1);
    pass(5_000);
    assert.equal((await anchors.serviceAccount(signal))?.uid, "new");
  });

  for (const code of ["not_found", "forbidden"] as const) {
    it(`knows none where the answer is ${code}`, async () => {
      const { anchors } = anchorsIn({ ClusterRole: new ApiError(code, "") }, "agent-sa");
      assert.equal(await anchors.clusterRole(signal), undefined);
    });
  }

  it("passes on what may be better at the next try", async () => {
    const { anchors } = anchorsIn({ ServiceAccount: new ApiError("unreachable", "down") }, "a");
    await assert.rejects(anchors.serviceAccount(signal), { code: "unreachable" });
  });
});

describe("isAnchored()", () => {
  const names = new Set(["agent-sa"]);
  const owner = (kind: string, name: string) => ({ apiVersion: "v1", kind, name, uid: "u" });
  const cases = [
    { owners: undefined, expected: false },
    { owners: [owner("ServiceAccount", "agent-sa")], expected: true },
    { owners: [owner("ServiceAccount", "another")], expected: false },
    { owners: [owner("ConfigMap", "agent-sa")], expected: false },
  ] as const;
  for (const { owners, expected } of cases) {
    it(`answers ${expected} for ${owners === undefined ? "none" : `${owners[0].kind} ${owners[0].name}`}`, () => {
      const ownerReferences = owners === undefined ? {} : { ownerReferences: [...owners] };
      assert.equal(isAnchored({ metadata: { name: "x", ...ownerReferences } }, names), expected);
    });
  }
});
