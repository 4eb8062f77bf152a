import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CertificateSigningRequest } from "#api";
import { makeCluster } from "../../testdata/makers.ts";
import { plan } from "./plan.ts";
import type { Snapshot } from "./snapshot.ts";

type Spec = CertificateSigningRequest["spec"];

function makeRequest(
  spec: Partial<Spec> = {},
  status?: CertificateSigningRequest["status"],
): CertificateSigningRequest {
  return {
    metadata: { name: "addon-c1-x" },
    spec: {
      request: "",
      signerName: "kubernetes.io/kube-apiserver-client",
      usages: ["digital signature", "key encipherment", "client auth"],
      username: "system:open-cluster-management:c1:agent1",
      groups: ["system:open-cluster-management:c1", "system:authenticated"],
      ...spec,
    },
    ...(status === undefined ? {} : { status }),
  };
}

const asked: NonNullable<Snapshot["asked"]> = {
  pem: "",
  commonName: "user-of-c1",
  organizations: ["agents"],
  organizationalUnits: [],
  names: ["test.addon.open-cluster-management.io"],
};

const good: Snapshot = {
  request: makeRequest(),
  asked,
  addonName: "test",
  clusterName: "c1",
  cluster: makeCluster(),
  hasAddon: true,
  installNamespace: "agents",
  registrations: [
    { kind: "kubeClient", user: "user-of-c1", groups: ["agents"], driver: "csr" },
    {
      kind: "customSigner",
      signerName: "example.io/signer",
      user: "user-of-c1",
      groups: ["agents"],
      organizationUnits: ["signer-1"],
    },
  ],
};
const custom: Snapshot = {
  ...good,
  request: makeRequest({ signerName: "example.io/signer" }),
  asked: { ...asked, organizationalUnits: ["signer-1"] },
};
const approved = { conditions: [{ type: "Approved", status: "True" }] };

interface Case {
  readonly snapshot: Snapshot;
  readonly isOwnSigner?: boolean;
  /** The plan's kind, or the reason why the request is left alone. */
  readonly want: string;
}

const withSpec = (spec: Partial<Spec>): Snapshot => ({ ...good, request: makeRequest(spec) });
const withAsked = (overrides: Partial<typeof asked>): Snapshot => ({
  ...good,
  asked: { ...asked, ...overrides },
});

const cases: Readonly<Record<string, Case>> = {
  "approves what the addon registers for": { snapshot: good, want: "approve" },
  "approves a custom signer's too": { snapshot: custom, isOwnSigner: true, want: "approve" },
  "signs it once it is approved": {
    snapshot: { ...custom, request: { ...custom.request, status: approved } },
    isOwnSigner: true,
    want: "sign",
  },
  "leaves signing to the hub where the signer is the hub's": {
    snapshot: { ...good, request: makeRequest({}, approved) },
    want: "nothing",
  },
  "does nothing once there is a certificate": {
    snapshot: {
      ...custom,
      request: { ...custom.request, status: { ...approved, certificate: "x" } },
    },
    isOwnSigner: true,
    want: "nothing",
  },
  "does nothing about a request that was denied": {
    snapshot: {
      ...good,
      request: makeRequest({}, { conditions: [{ type: "Denied", status: "True" }] }),
    },
    want: "nothing",
  },
  "accepts the group that old managers added": {
    snapshot: withAsked({ organizations: ["agents", "system:authenticated"] }),
    want: "approve",
  },
  "leaves it while the hub has not accepted the cluster": {
    snapshot: { ...good, cluster: makeCluster({ spec: { hubAcceptsClient: false } }) },
    want: "ClusterNotAccepted",
  },
  "leaves it when the cluster does not exist": {
    snapshot: { ...good, cluster: undefined },
    want: "ClusterNotAccepted",
  },
  "leaves it when the cluster does not have the addon": {
    snapshot: { ...good, hasAddon: false },
    want: "AddonNotFound",
  },
  "leaves a request that another cluster made": {
    snapshot: withSpec({
      username: "system:open-cluster-management:c2:agent1",
      groups: ["system:open-cluster-management:c2"],
    }),
    want: "RequesterIsNotTheCluster",
  },
  "does not take a cluster for one whose name begins like its own": {
    snapshot: withSpec({
      username: "system:open-cluster-management:c11:agent1",
      groups: ["system:open-cluster-management:c11"],
    }),
    want: "RequesterIsNotTheCluster",
  },
  "does not take an addon's agent for the klusterlet of a cluster called cluster": {
    snapshot: {
      ...withSpec({
        username: "system:open-cluster-management:cluster:c2:addon:x:agent:y",
        groups: ["system:open-cluster-management:cluster"],
      }),
      clusterName: "cluster",
    },
    want: "RequesterIsNotTheCluster",
  },
  "leaves a requester that only has the name": {
    snapshot: withSpec({ groups: ["system:authenticated"] }),
    want: "RequesterIsNotTheCluster",
  },
  "leaves a signer that the addon does not register with": {
    snapshot: withSpec({ signerName: "other.io/signer" }),
    want: "SignerNotRegistered",
  },
  "leaves a certificate that a token has made needless": {
    snapshot: {
      ...good,
      registrations: [{ kind: "kubeClient", user: "user-of-c1", groups: [], driver: "token" }],
    },
    want: "SignerNotRegistered",
  },
  "leaves what cannot be read": {
    snapshot: { ...good, asked: undefined },
    want: "RequestUnreadable",
  },
  "leaves another user": {
    snapshot: withAsked({ commonName: "user-of-c2" }),
    want: "SubjectDiffers",
  },
  "leaves a group too many": {
    snapshot: withAsked({ organizations: ["agents", "system:masters"] }),
    want: "SubjectDiffers",
  },
  "leaves a group in place of another": {
    snapshot: withAsked({ organizations: ["system:masters"] }),
    want: "SubjectDiffers",
  },
  "leaves a missing group": { snapshot: withAsked({ organizations: [] }), want: "SubjectDiffers" },
  "leaves a unit that the hub's signer was not asked for": {
    snapshot: withAsked({ organizationalUnits: ["x"] }),
    want: "SubjectDiffers",
  },
  "leaves the unit of another authority": {
    snapshot: { ...custom, asked: { ...asked, organizationalUnits: ["signer-2"] } },
    isOwnSigner: true,
    want: "SubjectDiffers",
  },
  "leaves a certificate that could serve": {
    snapshot: withSpec({ usages: ["client auth", "server auth"] }),
    want: "UsagesDiffer",
  },
  "leaves a certificate that could not be shown": {
    snapshot: withSpec({ usages: ["digital signature"] }),
    want: "UsagesDiffer",
  },
  "leaves another name": {
    snapshot: withAsked({ names: ["test.addon.open-cluster-management.io", "proxy-entrypoint"] }),
    want: "NamesDiffer",
  },
  "does not sign what somebody else approved and it would not have": {
    snapshot: {
      ...custom,
      asked: { ...asked, commonName: "admin", organizationalUnits: ["signer-1"] },
      request: { ...custom.request, status: approved },
    },
    isOwnSigner: true,
    want: "SubjectDiffers",
  },
};

describe("plan() of a certificate request", () => {
  for (const [name, { snapshot, isOwnSigner = false, want }] of Object.entries(cases)) {
    it(name, () => {
      const decision = plan(snapshot, isOwnSigner);
      assert.equal(decision.kind === "leave" ? decision.objection.reason : decision.kind, want);
    });
  }
});
