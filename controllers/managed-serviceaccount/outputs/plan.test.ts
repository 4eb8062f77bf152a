import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ConfigMap, Secret } from "#api";
import { makeAccount, makeSnapshot, makeToken, servers, withWritten } from "./make-snapshot.ts";
import { type OutputAction, planOutputs } from "./plan.ts";
import { type MadeOutput, madeOutputOf, type OutputSnapshot } from "./snapshot.ts";

const gatewayKubeconfig = makeAccount({ kubeconfig: {} });
const directKubeconfig = makeAccount({ kubeconfig: { via: "Direct" } });
const argocd = makeAccount({ argocd: { namespace: "argocd", via: "Direct" } });

const brief = (action: OutputAction) => {
  const { kind, namespace, name } = action.place;
  return `${action.kind} ${kind} ${namespace}/${name}`;
};
const actionsOf = (snapshot: OutputSnapshot) => planOutputs(snapshot).actions.map(brief);
const refusalsOf = (snapshot: OutputSnapshot) =>
  planOutputs(snapshot).verdicts.map(({ refusal }) => refusal?.reason);
/** What the plan writes, as the API server would have it. */
const writtenBy = (snapshot: OutputSnapshot): readonly (Secret | ConfigMap)[] =>
  planOutputs(snapshot).actions.flatMap((action) =>
    action.kind === "write" ? [action.object] : [],
  );
const settled = (snapshot: OutputSnapshot) => withWritten(snapshot, ...writtenBy(snapshot));
const foreign = (namespace: string, name: string, owner?: string): Secret => ({
  metadata: {
    name,
    namespace,
    resourceVersion: "9",
    ...(owner === undefined
      ? {}
      : {
          labels: { "authentication.open-cluster-management.io/output": "kubeconfig" },
          annotations: { "authentication.open-cluster-management.io/output-of": owner },
        }),
  },
});

describe("planOutputs()", () => {
  it("does nothing for an account that asks for nothing", () => {
    assert.deepEqual(planOutputs(makeSnapshot(makeAccount(undefined))), {
      actions: [],
      verdicts: [],
    });
  });

  it("lets a token through the gateway before it hands it out", () => {
    assert.deepEqual(actionsOf(makeSnapshot(gatewayKubeconfig)), [
      "write gateway-pass gw/managed1.ci",
      "write kubeconfig managed1/ci-kubeconfig",
    ]);
  });

  it("needs no pass for clients that go directly", () => {
    assert.deepEqual(actionsOf(makeSnapshot(directKubeconfig)), [
      "write kubeconfig managed1/ci-kubeconfig",
    ]);
  });

  const names = [
    { outputs: { kubeconfig: { via: "Direct" } }, want: "kubeconfig managed1/ci-kubeconfig" },
    {
      outputs: { kubeconfig: { via: "Direct", namespace: "argocd" } },
      want: "kubeconfig argocd/managed1.ci-kubeconfig",
    },
    {
      outputs: { kubeconfig: { via: "Direct", secretName: "mine" } },
      want: "kubeconfig managed1/mine",
    },
    {
      outputs: { argocd: { via: "Direct", namespace: "argocd" } },
      want: "argocd argocd/managed1.ci-argocd",
    },
    {
      outputs: { argocd: { via: "Direct", namespace: "managed1", secretName: "c" } },
      want: "argocd managed1/c",
    },
  ];
  for (const { outputs, want } of names) {
    it(`puts ${JSON.stringify(outputs)} at ${want}`, () => {
      assert.deepEqual(actionsOf(makeSnapshot(makeAccount(outputs))), [`write ${want}`]);
    });
  }

  it("rests once all is written", () => {
    const both = makeAccount({ kubeconfig: {}, argocd: { namespace: "argocd" } });
    assert.deepEqual(actionsOf(settled(makeSnapshot(both))), []);
  });

  it("follows a new token in one go, and lets the old one through until it expires", () => {
    const next = { ...settled(makeSnapshot(gatewayKubeconfig)), token: makeToken("d.e.f") };
    const [pass, kubeconfig] = writtenBy(next);
    assert.equal(pass?.data?.["tokens"]?.split("\n").length, 2);
    assert.match(
      Buffer.from(kubeconfig?.data?.["kubeconfig"] ?? "", "base64").toString(),
      /d\.e\.f/,
    );
    const after = new Date(next.now.getTime() + 7_200_000);
    const later = { ...settled(next), token: makeToken("g.h.i"), now: after };
    assert.equal(writtenBy(later)[0]?.data?.["tokens"]?.split("\n").length, 1);
  });

  const edits: Readonly<Record<string, (secret: Secret) => Secret>> = {
    content: (secret) => ({ ...secret, data: { kubeconfig: "" } }),
    "a key more": (secret) => ({ ...secret, data: { ...secret.data, more: "" } }),
    "no label": ({ metadata, ...rest }) => ({ ...rest, metadata: { ...metadata, labels: {} } }),
    "no owner": ({ metadata, ...rest }) => ({
      ...rest,
      metadata: { ...metadata, ownerReferences: [] },
    }),
  };
  for (const [name, edit] of Object.entries(edits)) {
    it(`heals a Secret with ${name}`, () => {
      const snapshot = makeSnapshot(directKubeconfig);
      const edited = writtenBy(snapshot).map(edit);
      assert.deepEqual(actionsOf(withWritten(snapshot, ...edited)), [
        "write kubeconfig managed1/ci-kubeconfig",
      ]);
    });
  }

  it("replaces what it has seen and no later version, and keeps notes of others", () => {
    const snapshot = makeSnapshot(directKubeconfig);
    const [secret] = writtenBy(snapshot);
    assert.ok(secret);
    const annotations = { ...secret.metadata.annotations, theirs: "1" };
    const metadata = { ...secret.metadata, resourceVersion: "7", annotations };
    const [action] = planOutputs(
      withWritten({ ...snapshot, token: makeToken("d.e.f") }, { ...secret, metadata }),
    ).actions;
    assert.ok(action?.kind === "write" && !action.isNew);
    assert.equal(action.object.metadata.resourceVersion, "7");
    assert.equal(action.object.metadata.annotations?.["theirs"], "1");
  });

  it("keeps what there is while the token is away", () => {
    const snapshot = { ...settled(makeSnapshot(gatewayKubeconfig)), token: undefined };
    assert.deepEqual([actionsOf(snapshot), refusalsOf(snapshot)], [[], ["TokenMissing"]]);
  });

  const refusals: readonly {
    readonly name: string;
    readonly account: typeof argocd;
    readonly change: Partial<OutputSnapshot>;
    readonly reason: string;
    readonly says: RegExp;
    readonly isRevoking: boolean;
  }[] = [
    {
      name: "a namespace that is not open",
      account: argocd,
      change: { policy: { namespaces: ["a"], passNamespace: "gw", hasPassesForProfiles: false } },
      reason: "NamespaceNotAllowed",
      says: /^spec\.outputs\.argocd\.namespace: "argocd" .*\(managed1, a\)/,
      isRevoking: true,
    },
    {
      name: "a gateway that is closed",
      account: gatewayKubeconfig,
      change: { policy: { namespaces: [], passNamespace: "", hasPassesForProfiles: false } },
      reason: "GatewayNotAllowed",
      says: /^spec\.outputs\.kubeconfig\.via: "Gateway" .*outputs\.gateway\.enabled/,
      isRevoking: true,
    },
    {
      name: "a cluster without the addon",
      account: directKubeconfig,
      change: { isServed: false },
      reason: "AddonRemoved",
      says: /^spec\.outputs\.kubeconfig: cluster managed1 has no addon/,
      isRevoking: true,
    },
    {
      name: "a hub without a gateway",
      account: gatewayKubeconfig,
      change: { ways: { cluster: "managed1", managedCluster: undefined, gateway: undefined } },
      reason: "GatewayMissing",
      says: /^spec\.outputs\.kubeconfig: The hub has no gateway/,
      isRevoking: false,
    },
    {
      name: "a cluster without an address",
      account: directKubeconfig,
      change: { ways: { cluster: "managed1", managedCluster: undefined, gateway: undefined } },
      reason: "EndpointUnknown",
      says: /^spec\.outputs\.kubeconfig: ManagedCluster managed1/,
      isRevoking: false,
    },
  ];
  for (const { name, account, change, reason, says, isRevoking } of refusals) {
    it(`refuses ${name}, and ${isRevoking ? "takes back what was there" : "keeps the last good state"}`, () => {
      const before = settled(makeSnapshot(account));
      const { actions, verdicts } = planOutputs({ ...before, ...change });
      assert.equal(verdicts[0]?.refusal?.reason, reason);
      assert.match(verdicts[0].refusal.message, says);
      assert.equal(
        actions.some(({ kind }) => kind === "write"),
        false,
      );
      assert.equal(actions.length, isRevoking ? before.made.length : 0);
    });
  }

  const strangers = [
    { name: "others made", owner: undefined, reason: "SecretNotOurs" },
    { name: "another account has", owner: "managed1/other", reason: "SecretTaken" },
  ];
  for (const { name, owner, reason } of strangers) {
    it(`never touches a Secret that ${name}`, () => {
      const taken = foreign("managed1", "ci-kubeconfig", owner);
      const snapshot = withWritten(makeSnapshot(directKubeconfig), taken);
      assert.deepEqual([actionsOf(snapshot), refusalsOf(snapshot)], [[], [reason]]);
      const [{ refusal } = {}] = planOutputs(snapshot).verdicts;
      const says =
        /^spec\.outputs\.kubeconfig\.secretName: Secret managed1\/ci-kubeconfig .*another name$/;
      assert.match(refusal?.message ?? "", says);
    });
  }

  it("does not let two outputs of one account meet in one Secret", () => {
    const meeting = makeAccount({
      kubeconfig: { via: "Direct", secretName: "x" },
      argocd: { via: "Direct", namespace: "managed1", secretName: "x" },
    });
    const [first] = writtenBy(makeSnapshot(meeting));
    assert.ok(first);
    assert.deepEqual(refusalsOf(withWritten(makeSnapshot(meeting), first)), [
      undefined,
      "SecretTaken",
    ]);
  });

  it("hands out no token when others made a ConfigMap where its pass would be", () => {
    const map = new Map([["configmap gw/managed1.ci", foreign("gw", "managed1.ci")]]);
    const snapshot = { ...makeSnapshot(gatewayKubeconfig), found: map };
    assert.deepEqual([actionsOf(snapshot), refusalsOf(snapshot)], [[], ["SecretNotOurs"]]);
    const [{ refusal } = {}] = planOutputs(snapshot).verdicts;
    assert.match(
      refusal?.message ?? "",
      /^spec\.outputs\.kubeconfig\.via: ConfigMap gw\/managed1\.ci/,
    );
  });

  it("moves a Secret whose name or namespace was changed", () => {
    const before = settled(makeSnapshot(directKubeconfig));
    const moved = makeAccount({ kubeconfig: { via: "Direct", secretName: "new" } });
    assert.deepEqual(actionsOf({ ...before, account: moved, found: new Map() }), [
      "write kubeconfig managed1/new",
      "remove kubeconfig managed1/ci-kubeconfig",
    ]);
  });

  it("takes back the pass first, then the Secrets, with the field and with the account", () => {
    const { made } = settled(makeSnapshot(gatewayKubeconfig));
    for (const account of [makeAccount(undefined), undefined]) {
      assert.deepEqual(actionsOf(makeSnapshot(account, { made })), [
        "remove gateway-pass gw/managed1.ci",
        "remove kubeconfig managed1/ci-kubeconfig",
      ]);
    }
  });

  it("takes back the pass when clients are to go directly", () => {
    const { made } = settled(makeSnapshot(gatewayKubeconfig));
    assert.deepEqual(actionsOf(makeSnapshot(directKubeconfig, { made })), [
      "remove gateway-pass gw/managed1.ci",
      "write kubeconfig managed1/ci-kubeconfig",
    ]);
  });

  it("passes accounts of ClusterProfiles where that is switched on", () => {
    const labels = { "authentication.open-cluster-management.io/sync-to-clusterprofile": "true" };
    const plain = makeAccount(undefined);
    const synced = { ...plain, metadata: { ...plain.metadata, labels } };
    const policy = { namespaces: [], passNamespace: "gw", hasPassesForProfiles: true };
    assert.deepEqual(actionsOf(makeSnapshot(synced, { policy })), [
      "write gateway-pass gw/managed1.ci",
    ]);
    assert.deepEqual(actionsOf(makeSnapshot(synced)), []);
  });
});

describe("planOutputs(), for two Argo CD clusters of one server", () => {
  const rival = (creationTimestamp: string, name = "managed1.old-argocd"): MadeOutput => {
    const [secret] = writtenBy(
      makeSnapshot(makeAccount({ argocd: { namespace: "argocd", via: "Direct" } }, "old")),
    );
    assert.ok(secret);
    const made = madeOutputOf({ ...secret.metadata, name, creationTimestamp });
    assert.ok(made);
    return made;
  };
  const ours = (creationTimestamp: string) => {
    const snapshot = makeSnapshot(argocd);
    const [secret] = writtenBy(snapshot);
    assert.ok(secret);
    const metadata = { ...secret.metadata, creationTimestamp };
    return withWritten(snapshot, { ...secret, metadata });
  };

  it("refuses the second", () => {
    const snapshot = makeSnapshot(argocd, { others: [rival("2026-01-01T00:00:00Z")] });
    const [verdict] = planOutputs(snapshot).verdicts;
    assert.equal(verdict?.refusal?.reason, "ServerTaken");
    assert.match(verdict.refusal.message, new RegExp(servers.direct));
    assert.deepEqual(actionsOf(snapshot), []);
  });

  it("keeps the older of two that were made at once, and removes the younger", () => {
    const older = ours("2026-01-01T00:00:00Z");
    assert.deepEqual(actionsOf({ ...older, others: [rival("2026-01-01T00:00:01Z")] }), []);
    const younger = { ...older, others: [rival("2025-12-31T00:00:00Z")] };
    assert.deepEqual(actionsOf(younger), ["remove argocd argocd/managed1.ci-argocd"]);
  });

  it("lets the names decide between two of one second", () => {
    const snapshot = ours("2026-01-01T00:00:00Z");
    const at = "2026-01-01T00:00:00Z";
    assert.deepEqual(refusalsOf({ ...snapshot, others: [rival(at, "a")] }), ["ServerTaken"]);
    assert.deepEqual(refusalsOf({ ...snapshot, others: [rival(at, "z")] }), [undefined]);
  });

  it("does not mind the same server in another namespace", () => {
    const other = { ...rival("2025-01-01T00:00:00Z"), namespace: "argocd-2" };
    assert.deepEqual(refusalsOf(makeSnapshot(argocd, { others: [other] })), [undefined]);
  });
});
