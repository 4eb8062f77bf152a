import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fitCrd } from "./crds.ts";

const endpoint = { url: "https://127.0.0.1:9443/convert", caBundle: "Q0E=" };
const addon = {
  kind: "CustomResourceDefinition",
  spec: {
    group: "addon.open-cluster-management.io",
    versions: [{ name: "v1alpha1" }, { name: "v1beta1" }],
    conversion: { strategy: "Webhook", webhook: { clientConfig: { service: {} } } },
  },
};

describe("fitCrd()", () => {
  it("finds the conversion by URL where both versions are served", () => {
    assert.deepEqual(fitCrd(addon, "v1alpha1-and-v1beta1", endpoint), {
      ...addon,
      spec: {
        ...addon.spec,
        conversion: {
          strategy: "Webhook",
          webhook: { clientConfig: endpoint, conversionReviewVersions: ["v1"] },
        },
      },
    });
  });

  it("leaves one version and no conversion for an older hub", () => {
    const { conversion: _, ...spec } = addon.spec;
    assert.deepEqual(fitCrd(addon, "v1alpha1", endpoint), {
      ...addon,
      spec: { ...spec, versions: [{ name: "v1alpha1" }] },
    });
  });

  it("leaves CRDs of other groups as they are", () => {
    const other = { ...addon, spec: { ...addon.spec, group: "work.open-cluster-management.io" } };
    assert.equal(fitCrd(other, "v1alpha1", endpoint), other);
  });
});
