import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { clusterProfiles, type Secret } from "#api";
import { copyNameOf } from "./copies.ts";
import { type ProfileSnapshot, planProfile, type SharedAccount } from "./plan.ts";
import type { Standing } from "./standing.ts";
import {
  makeCluster,
  makeCopy,
  makeProfile,
  makeSharedAccount,
  makeToken,
} from "./testdata/makers.ts";

const url = "https://c1.example:6443";
const reachable = makeCluster({}, [{ url, caBundle: "Q0E=" }]);
const bound: Standing = { kind: "bound", cluster: reachable, getsCredentials: true };
const heldBack: Standing = { ...bound, getsCredentials: false };
const mark = { name: "app.kubernetes.io/managed-by", extension: { name: "spokeway" } };
const exec = { name: "client.authentication.k8s.io/exec", extension: { clusterName: "c1" } };
const ours = {
  name: "open-cluster-management",
  cluster: { server: url, "certificate-authority-data": "Q0E=", extensions: [exec, mark] },
};
const other = { name: "other", cluster: { server: "https://other" }, more: [1] };
const imposed = { name: "open-cluster-management", cluster: { server: "https://elsewhere" } };
const withAccess = (...accessProviders: readonly object[]) =>
  makeProfile({ status: { accessProviders } });

function share(name: string, parts: Partial<SharedAccount> = {}): SharedAccount {
  const account = makeSharedAccount(name);
  return { account, source: makeToken(name), present: undefined, ...parts };
}

function makeSnapshot(overrides: Partial<ProfileSnapshot> = {}): ProfileSnapshot {
  return {
    type: clusterProfiles,
    namespace: "team-a",
    name: "c1",
    profile: withAccess(ours),
    standing: bound,
    gateway: undefined,
    accounts: [],
    copies: [],
    ...overrides,
  };
}

function told(snapshot: ProfileSnapshot): readonly string[] {
  const { actions, remarks } = planProfile(snapshot);
  return [
    ...actions.map((action) =>
      action.kind === "writeProviders"
        ? `access ${action.providers.map(({ name }) => name).join(" ")}`.trim()
        : `${action.kind} ${action.secret.metadata.name}`,
    ),
    ...remarks.map(({ reason }) => reason),
  ];
}

const copy = makeCopy("c1-ci");
const foreignSecret: Secret = { metadata: { name: "c1-ci", namespace: "team-a", uid: "x" } };
const ofOther = makeCopy("c1-ci", {
  ownerReferences: [
    { apiVersion: "multicluster.x-k8s.io/v1alpha1", kind: "ClusterProfile", name: "c", uid: "y" },
  ],
});
const ofEarlier = makeCopy("c1-ci", {
  ownerReferences: [
    {
      apiVersion: "multicluster.x-k8s.io/v1alpha1",
      kind: "ClusterProfile",
      name: "c1",
      uid: "old",
    },
  ],
});

const plans: Readonly<Record<string, readonly [Partial<ProfileSnapshot>, readonly string[]]>> = {
  "is content with what is there": [
    { accounts: [share("ci", { present: copy })], copies: [copy] },
    [],
  ],
  "copies the token of every shared account": [
    { accounts: [share("ci"), share("ops")] },
    ["create c1-ci", "create c1-ops"],
  ],
  "follows a rotated token": [
    {
      accounts: [share("ci", { source: makeToken("ci", "bmV3"), present: copy })],
      copies: [copy],
    },
    ["replace c1-ci"],
  ],
  "takes over what it made for an earlier profile of that name": [
    { accounts: [share("ci", { present: ofEarlier })], copies: [ofEarlier] },
    ["replace c1-ci"],
  ],
  "keeps a copy whose token Secret is gone for the moment": [
    { accounts: [share("ci", { source: undefined, present: copy })], copies: [copy] },
    [],
  ],
  "removes the copy of an account that is no longer shared": [
    { accounts: [share("ci", { present: copy })], copies: [copy, makeCopy("c1-old")] },
    ["delete c1-old"],
  ],
  "never touches a Secret that others made": [
    { accounts: [share("ci", { present: foreignSecret }), share("ops")] },
    ["create c1-ops", "SecretNotOurs"],
  ],
  "nor one that belongs to another profile, whose names may add up to the same": [
    { accounts: [share("ci", { present: ofOther })] },
    ["SecretNotOurs"],
  ],
  "copies nothing into a namespace that is not named, and removes what is there": [
    { standing: heldBack, accounts: [share("ci", { present: copy })], copies: [copy] },
    ["delete c1-ci", "CredentialsHeldBack"],
  ],
  "takes everything from a profile that has lost its claim": [
    {
      standing: { kind: "unbound", clusterName: "c1" },
      accounts: [share("ci", { present: copy })],
      copies: [copy],
      profile: withAccess(other, ours),
    },
    ["access other", "delete c1-ci", "ClusterNotBound"],
  ],
  "takes everything from a profile that is OCM's no longer": [
    { standing: { kind: "foreign" }, copies: [copy] },
    ["access", "delete c1-ci"],
  ],
  "leaves profiles of other managers alone": [
    { standing: { kind: "foreign" }, profile: withAccess(imposed) },
    [],
  ],
  "removes copies whose profile is gone": [
    { standing: { kind: "foreign" }, profile: undefined, copies: [copy] },
    ["delete c1-ci"],
  ],
  "does not delete what is going": [
    {
      standing: { kind: "foreign" },
      profile: undefined,
      copies: [makeCopy("c1-ci", { deletionTimestamp: "2026-01-01T00:00:00Z" })],
    },
    [],
  ],
  "writes its entry beside those of others": [
    { profile: withAccess(other) },
    ["access other open-cluster-management"],
  ],
  "renews its entry where it stands": [
    {
      profile: withAccess({ ...ours, cluster: { ...ours.cluster, server: "https://old" } }, other),
    },
    ["access open-cluster-management other"],
  ],
  "leaves an entry of its name that another program made": [
    { profile: withAccess(imposed) },
    ["AccessProviderNotOurs"],
  ],
  "takes its entry out when the cluster names no address": [
    { standing: { ...bound, cluster: makeCluster() }, profile: withAccess(ours, other) },
    ["access other", "GatewayMissing"],
  ],
  "sends no token to an address without TLS": [
    {
      standing: { ...bound, cluster: makeCluster({}, [{ url: "http://c1.example" }]) },
      profile: makeProfile(),
    },
    ["GatewayMissing"],
  ],
};

describe("planProfile()", () => {
  for (const [name, [overrides, want]] of Object.entries(plans)) {
    it(name, () => assert.deepEqual(told(makeSnapshot(overrides)), want));
  }

  it("makes copies as consumers know them, and lets labels of others be", () => {
    const [created] = planProfile(makeSnapshot({ accounts: [share("ci")] })).actions;
    const { uid: _uid, resourceVersion: _version, ...metadata } = copy.metadata;
    assert.deepEqual(created, { kind: "create", secret: { ...copy, metadata } });
    const labelled = makeCopy("c1-ci", { labels: { ...copy.metadata.labels, team: "x" } });
    const source = makeToken("ci", "bmV3");
    const accounts = [share("ci", { source, present: labelled })];
    const [replaced] = planProfile(makeSnapshot({ accounts, copies: [labelled] })).actions;
    assert.deepEqual(replaced, {
      kind: "replace",
      secret: { ...labelled, data: { "ca.crt": "Q0E=", token: "bmV3" } },
    });
  });

  it("leads through the gateway where a cluster has no address of its own", () => {
    const cluster = makeCluster();
    const apiVersion = "cluster.core.oam.dev/v1alpha1";
    const door = { server: "https://gw:443", caData: "R1c=", tlsServerName: "gw.svc" };
    const gateway = { ...door, apiVersion };
    const standing: Standing = { ...bound, cluster };
    const profile = withAccess(other);
    const { actions } = planProfile(makeSnapshot({ standing, profile, gateway }));
    const server = "https://gw:443/apis/cluster.core.oam.dev/v1alpha1/clustergateways/c1/proxy";
    const entry = {
      server,
      "certificate-authority-data": "R1c=",
      "tls-server-name": "gw.svc",
      extensions: [exec, mark],
    };
    const wanted = { name: "open-cluster-management", cluster: entry };
    assert.deepEqual(actions, [{ kind: "writeProviders", providers: [other, wanted] }]);
    const direct = planProfile(makeSnapshot({ profile, gateway })).actions;
    assert.deepEqual(direct, [{ kind: "writeProviders", providers: [other, ours] }]);
  });

  it("shortens the label of a copy with a long name, and skips one that no Secret can have", () => {
    const long = makeSharedAccount("a".repeat(80));
    const [created] = planProfile(
      makeSnapshot({ accounts: [share("x", { account: long })] }),
    ).actions;
    assert.ok(created?.kind === "create");
    const { labels, name } = created.secret.metadata;
    assert.equal(name, copyNameOf(long));
    const [label = ""] = Object.values(labels ?? {});
    assert.match(label, /^c1-a{43}-[0-9a-f]{16}$/);
    const tooLong = share("x", { account: makeSharedAccount("a".repeat(253)) });
    assert.deepEqual(told(makeSnapshot({ accounts: [tooLong, share("ops")] })), [
      "create c1-ops",
      "CredentialNotCopied",
    ]);
  });
});
