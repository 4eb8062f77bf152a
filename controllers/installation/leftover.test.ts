import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { managedProxyConfigurations, type OwnerReference, type Secret } from "#api";
import { isLeftover, makeAuthorityAt, unlessLeftover } from "./leftover.ts";

const owner = {
  type: managedProxyConfigurations,
  object: { metadata: { name: "cluster-proxy", uid: "present" } },
};

function makeReference(overrides: Partial<OwnerReference> = {}): OwnerReference {
  return {
    apiVersion: "proxy.open-cluster-management.io/v1alpha1",
    kind: "ManagedProxyConfiguration",
    name: "cluster-proxy",
    uid: "present",
    ...overrides,
  };
}

function makeSecret(ownerReferences?: OwnerReference[]): Secret {
  return { metadata: { name: "s", ...(ownerReferences ? { ownerReferences } : {}) } };
}

describe("isLeftover()", () => {
  const cases: Readonly<Record<string, readonly [OwnerReference[] | undefined, boolean]>> = {
    "is not what nobody owns": [undefined, false],
    "is not what the present configuration owns": [[makeReference()], false],
    "is what an earlier one of the same name owned": [[makeReference({ uid: "gone" })], true],
    "is also told across versions of the kind": [
      [makeReference({ uid: "gone", apiVersion: "proxy.open-cluster-management.io/v1" })],
      true,
    ],
    "is not what both own": [[makeReference({ uid: "gone" }), makeReference()], false],
    "is not what belongs to something else": [
      [makeReference({ uid: "gone", kind: "Certificate", apiVersion: "cert-manager.io/v1" })],
      false,
    ],
  };
  for (const [name, [references, want]] of Object.entries(cases)) {
    it(name, () => assert.equal(isLeftover(makeSecret(references), owner), want));
  }
});

describe("unlessLeftover()", () => {
  it("passes what counts, and nothing else", () => {
    const fine = makeSecret([makeReference()]);
    assert.equal(unlessLeftover(fine, owner), fine);
    assert.equal(unlessLeftover(makeSecret([makeReference({ uid: "gone" })]), owner), undefined);
    assert.equal(unlessLeftover(undefined, owner), undefined);
  });
});

describe("makeAuthorityAt()", () => {
  const place = { namespace: "n", name: "signer", commonName: "ca" };

  it("makes one, and takes away first what is in its place", () => {
    const left = makeSecret();
    const kinds = (found: Secret | undefined) => makeAuthorityAt(place, found).map((a) => a.kind);
    assert.deepEqual(kinds(undefined), ["makeAuthority"]);
    assert.deepEqual(kinds(left), ["discard", "makeAuthority"]);
  });
});
