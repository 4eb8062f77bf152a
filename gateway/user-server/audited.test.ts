import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { auditedActor, auditedCall, auditedCaller } from "./audited.ts";
import type { UserCaller } from "./caller.ts";
import { parseUserRoute } from "./user-route.ts";

const ann = { name: "ann", groups: ["devs"], extra: {} };
const bob = { name: "bob", groups: [], extra: {} };
const hub: UserCaller = { kind: "hub", authenticated: ann, user: bob, acting: bob };
const managed: UserCaller = { kind: "managed", subject: "system:serviceaccount:ns:account" };

describe("what the audit log is told of the user server's requests", () => {
  it("is who asked, whom he asked to be, and who acts there", () => {
    const { authenticated, user } = auditedCaller(hub);
    assert.deepEqual([authenticated, user], [ann, bob]);
    assert.deepEqual(auditedActor(hub), { kind: "user", because: "Impersonate", user: bob });
  });

  it("is whom a token of the cluster names, in no name that the hub has", () => {
    const { authenticated, user } = auditedCaller(managed);
    assert.equal(authenticated.name, "managed-cluster:system:serviceaccount:ns:account");
    assert.equal(user, authenticated);
    assert.deepEqual(auditedActor(managed), { kind: "pass", because: "ManagedToken" });
  });

  const calls: readonly (readonly [target: string, path: string, isLong: boolean])[] = [
    ["/c1/api/v1/pods", "/api/v1/pods", false],
    ["/c1/api/v1/pods?watch=true", "/api/v1/pods", true],
    [
      "/c1/api/v1/namespaces/ns/services/web/proxy-service/a?b",
      "/api/v1/namespaces/ns/services/https:web:443/proxy/a",
      true,
    ],
  ];
  for (const [target, path, isLong] of calls) {
    it(`is what ${target} means on the cluster`, () => {
      const call = auditedCall(parseUserRoute(target));
      assert.deepEqual([call.cluster, call.path, call.isLong], ["c1", path, isLong]);
    });
  }
});
