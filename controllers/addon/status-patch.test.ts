import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { managedClusterAddOns } from "#api";
import { makeAddon, makeStatus } from "../testdata/makers.ts";
import { viewV1alpha1, viewV1beta1 } from "./addon-view.ts";
import { guardedPatch, statusPatch } from "./status-patch.ts";

const kubeClient = { kind: "kubeClient", user: "u", groups: ["g"], driver: "csr" } as const;
const signer = {
  kind: "customSigner",
  signerName: "example.io/signer",
  user: "u",
  groups: ["g"],
  organizationUnits: ["signer-1"],
} as const;
const metadata = { name: "cluster-proxy", namespace: "c1", uid: "1" };

describe("statusPatch()", () => {
  it("is nothing when nothing changes", () => {
    assert.equal(statusPatch("v1beta1", makeStatus(), makeStatus()), undefined);
  });

  it("holds only the fields that change", () => {
    const after = makeStatus({ namespace: "ns", healthMode: "Lease" });
    assert.deepEqual(statusPatch("v1alpha1", makeStatus(), after), {
      namespace: "ns",
      healthCheck: { mode: "Lease" },
    });
  });

  it("writes registrations in the form of v1alpha1, without the driver", () => {
    const after = makeStatus({ registrations: [kubeClient, signer] });
    assert.deepEqual(statusPatch("v1alpha1", makeStatus(), after), {
      registrations: [
        {
          signerName: "kubernetes.io/kube-apiserver-client",
          subject: { user: "u", groups: ["g"] },
        },
        {
          signerName: "example.io/signer",
          subject: { user: "u", groups: ["g"], organizationUnit: ["signer-1"] },
        },
      ],
    });
  });

  it("writes registrations in the form of v1beta1, with the driver", () => {
    const after = makeStatus({ registrations: [kubeClient, signer] });
    assert.deepEqual(statusPatch("v1beta1", makeStatus(), after), {
      registrations: [
        {
          type: "kubeClient",
          kubeClient: { subject: { user: "u", groups: ["g"] }, driver: "csr" },
        },
        {
          type: "customSigner",
          customSigner: {
            signerName: "example.io/signer",
            subject: { user: "u", groups: ["g"], organizationUnits: ["signer-1"] },
          },
        },
      ],
    });
  });
});

describe("viewV1alpha1() and viewV1beta1()", () => {
  it("read back what was written, each in its version", () => {
    const after = makeStatus({ registrations: [kubeClient, signer] });
    const alpha = managedClusterAddOns.v1alpha1.parse({
      metadata,
      status: {
        ...statusPatch("v1alpha1", makeStatus(), after),
        kubeClientDriver: "csr",
      },
    });
    assert.deepEqual(viewV1alpha1(alpha).status.registrations, after.registrations);
    const beta = managedClusterAddOns.v1beta1.parse({
      metadata,
      status: statusPatch("v1beta1", makeStatus(), after),
    });
    assert.deepEqual(viewV1beta1(beta).status.registrations, after.registrations);
  });

  it("find the install namespace where each version keeps it", () => {
    const alpha = managedClusterAddOns.v1alpha1.parse({
      metadata,
      spec: { installNamespace: "x" },
    });
    assert.equal(viewV1alpha1(alpha).installNamespace, "x");
    const annotations = { "addon.open-cluster-management.io/v1alpha1-install-namespace": "y" };
    const beta = managedClusterAddOns.v1beta1.parse({ metadata: { ...metadata, annotations } });
    assert.equal(viewV1beta1(beta).installNamespace, "y");
  });
});

describe("guardedPatch()", () => {
  it("is refused by the server when the object has changed or is another", () => {
    assert.deepEqual(guardedPatch(makeAddon(), { namespace: "ns" }), {
      metadata: { uid: "addon-uid", resourceVersion: "7" },
      status: { namespace: "ns" },
    });
  });
});
