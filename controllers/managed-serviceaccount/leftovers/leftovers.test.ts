import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KubeObject } from "#api";
import { type AddonView, isDeliveredByOcm } from "../../addon/addon-view.ts";
import { gather } from "../../addon/deploy/gather.ts";
import { makeAddon, makeCluster, makeStatus } from "../../testdata/makers.ts";
import { managedServiceAccountDefinition } from "../definition.ts";
import { type DeployMode, isLeftover, rightsOf } from "./leftovers.ts";

const group = "addon.open-cluster-management.io";
const byUs = makeAddon();
const byOcm = makeAddon({
  status: makeStatus({ configReferences: [{ group, resource: "addontemplates" }] }),
});

function labelled(name: string | undefined): KubeObject {
  const labels = name === undefined ? {} : { "open-cluster-management.io/addon-name": name };
  return { metadata: { name: "x", namespace: "c1", labels } };
}
const ours = labelled("managed-serviceaccount");

describe("isLeftover()", () => {
  const cases: readonly (readonly [
    string,
    KubeObject,
    AddonView | undefined,
    DeployMode,
    boolean,
  ])[] = [
    ["what OCM bound, once we deliver", ours, byUs, "Deployment", true],
    ["what OCM bound, while it still delivers", ours, byOcm, "Deployment", false],
    ["what we bound, once OCM delivers", ours, byOcm, "AddOnTemplate", true],
    ["what we bound, until OCM delivers", ours, byUs, "AddOnTemplate", false],
    ["what goes with an addon that is gone", ours, undefined, "AddOnTemplate", false],
    ["what belongs to another addon", labelled("other"), byUs, "Deployment", false],
    ["what somebody made", labelled(undefined), byUs, "Deployment", false],
  ];
  for (const [what, object, addon, mode, expected] of cases) {
    it(`answers ${expected} for ${what}`, () => {
      assert.equal(isLeftover(object, addon, mode), expected);
    });
  }
});

describe("rightsOf()", () => {
  it("knows the names of both ways of delivery", () => {
    const names = (mode: DeployMode) =>
      rightsOf(mode, "managed-serviceaccount", "role").map(
        ({ type, name }) => `${type.kind} ${name}`,
      );
    assert.deepEqual(names("Deployment"), ["RoleBinding role", "Role role"]);
    assert.deepEqual(names("AddOnTemplate"), [
      "RoleBinding open-cluster-management:managed-serviceaccount:clusterrole:agent",
    ]);
  });
});

describe("gather()", () => {
  it("stands back from a cluster to which OCM delivers", () => {
    assert.equal(isDeliveredByOcm(byOcm), true);
    const settings = { agentImage: "agent:v1", permissionPolicy: undefined, endsEphemeral: false };
    const definition = managedServiceAccountDefinition(settings, undefined);
    for (const [addon, expected] of [
      [byUs, true],
      [byOcm, false],
    ] as const) {
      const empty = { get: () => undefined, list: () => [] } as never;
      const caches = {
        clusters: { get: () => makeCluster() } as never,
        addonOf: () => addon,
        works: empty,
        roles: empty,
        roleBindings: empty,
      };
      assert.equal(gather(definition, caches, "v1beta1", "c1") !== undefined, expected);
    }
  });
});
