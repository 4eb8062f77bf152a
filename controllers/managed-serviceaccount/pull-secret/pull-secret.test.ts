import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KubeObject, ManifestWork, Secret } from "#api";
import { makeAddon, makeStatus } from "../../testdata/makers.ts";
import { type PullSnapshot, planPullWork, pullWorkName } from "./plan.ts";
import { type PullSecret, pullSecretData } from "./pull-secret.ts";

const configReferences = [
  { group: "addon.open-cluster-management.io", resource: "addontemplates" },
];
const byOcm = makeAddon({ status: makeStatus({ configReferences, namespace: "agents" }) });

function plan(overrides: Partial<PullSnapshot> = {}) {
  return planPullWork({
    addon: byOcm,
    version: "v1beta1",
    data: "e30=",
    isWanted: true,
    work: undefined,
    ...overrides,
  });
}

function wantedWork(): ManifestWork {
  const action = plan();
  assert.ok(action?.kind === "apply");
  return action.work;
}

describe("planPullWork()", () => {
  it("brings the Secret to the agent's namespace, with the addon as its owner", () => {
    const { metadata, spec } = wantedWork();
    assert.equal(`${metadata.namespace}/${metadata.name}`, `c1/${pullWorkName}`);
    assert.equal(metadata.ownerReferences?.[0]?.uid, "addon-uid");
    assert.deepEqual(spec.workload.manifests, [
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: pullWorkName, namespace: "agents" },
        type: "kubernetes.io/dockerconfigjson",
        data: { ".dockerconfigjson": "e30=" },
      },
    ]);
  });

  it("is none of the works that OCM makes, counts and clears away", () => {
    const { labels } = wantedWork().metadata;
    assert.deepEqual(labels, { "app.kubernetes.io/managed-by": "spokeway" });
  });

  const work = wantedWork();
  const foreign: KubeObject = { ...work, metadata: { ...work.metadata, labels: {} } };
  const cases: readonly (readonly [string, Partial<PullSnapshot>, string | undefined])[] = [
    ["is there already", { work }, undefined],
    ["has another content", { work, data: "e31=" }, "apply"],
    ["was taken from its owner", { work: withoutOwner(work) }, "apply"],
    ["is not wanted any more", { work, isWanted: false, data: undefined }, "remove"],
    ["is not wanted and not there", { isWanted: false, data: undefined }, undefined],
    ["has lost its source", { work, data: undefined }, undefined],
    ["waits for its source", { data: undefined }, undefined],
    ["is where the addon is not", { work, addon: undefined }, "remove"],
    ["is where the addon goes", { work, addon: { ...byOcm, isDeleting: true } }, "remove"],
    ["is where we bring the agent", { work, addon: makeAddon() }, "remove"],
    ["was made by others", { work: foreign, isWanted: false }, undefined],
    ["was made by others and has another content", { work: foreign, data: "e31=" }, undefined],
  ];
  for (const [what, overrides, expected] of cases) {
    it(`answers ${expected ?? "nothing to do"} for one that ${what}`, () => {
      assert.equal(plan(overrides)?.kind, expected);
    });
  }
});

function withoutOwner(work: ManifestWork): KubeObject {
  return { ...work, metadata: { ...work.metadata, ownerReferences: [] } };
}

describe("pullSecretData()", () => {
  const cases: readonly (readonly [string, Secret["data"] | undefined, string | undefined])[] = [
    ["its content", { ".dockerconfigjson": "e30=" }, "e30="],
    ["nothing where it is empty", { ".dockerconfigjson": "" }, undefined],
    ["nothing where it is another Secret", { password: "eA==" }, undefined],
    ["nothing where there is none", undefined, undefined],
  ];
  for (const [what, data, expected] of cases) {
    it(`answers ${what}`, () => {
      const secret = data && { metadata: { name: "registry", namespace: "hub" }, data };
      const secrets = { get: (key: string) => (key === "hub/registry" ? secret : undefined) };
      const source = { name: "registry", namespace: "hub", secrets } as unknown as PullSecret;
      assert.equal(pullSecretData(source), expected);
    });
  }
});
