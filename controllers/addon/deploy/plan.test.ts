import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TerminalError } from "#runtime";
import {
  makeAddon,
  makeCluster,
  makeCondition,
  makeDefinition,
  makeManifest,
  makeSource,
  makeStatus,
  makeWidget,
  makeWork,
  now,
} from "../../testdata/makers.ts";
import { type Action, plan } from "./plan.ts";
import type { Snapshot } from "./snapshot.ts";
import { statusAfter } from "./status.ts";

const prefix = "addon-managed-serviceaccount-deploy-";
const fresh: Snapshot = {
  cluster: makeCluster(),
  addon: makeAddon(),
  version: "v1beta1",
  role: undefined,
  roleBinding: undefined,
  works: [],
};
const definition = makeDefinition();
const source = makeSource();

/** What the actions are about, in order. */
function summary(actions: readonly Action[]): readonly string[] {
  return actions.map((action) => {
    const { name } = ("work" in action ? action.work : action.object).metadata;
    return `${action.kind} ${name}`;
  });
}

/** The world after the actions were carried out. */
function after(snapshot: Snapshot, actions: readonly Action[]): Snapshot {
  return {
    ...snapshot,
    role: actions.find((action) => action.kind === "applyRole")?.object,
    roleBinding: actions.find((action) => action.kind === "applyRoleBinding")?.object,
    works: actions.flatMap((action) => (action.kind === "createWork" ? [action.work] : [])),
  };
}

describe("plan() of an addon on a cluster", () => {
  it("gives a new addon its rights and its manifests", () => {
    const { actions, namespace, delivery } = plan(definition, source, fresh);
    assert.deepEqual(summary(actions), [
      "applyRole agent",
      "applyRoleBinding agent",
      `createWork ${prefix}0`,
    ]);
    assert.equal(namespace, "default-ns");
    assert.deepEqual(delivery, { kind: "delivered", isEmpty: false });
  });

  it("binds the rights to the user and groups that it registers", () => {
    const { actions } = plan(definition, source, fresh);
    const binding = actions.find((action) => action.kind === "applyRoleBinding")?.object;
    const apiGroup = "rbac.authorization.k8s.io";
    assert.deepEqual((binding as { subjects?: unknown }).subjects, [
      { kind: "User", apiGroup, name: "user-of-c1" },
      { kind: "Group", apiGroup, name: "agents" },
    ]);
  });

  it("has nothing left to do once that is done", () => {
    const done = after(fresh, plan(definition, source, fresh).actions);
    assert.deepEqual(plan(definition, source, done).actions, []);
  });

  it("repairs a role that somebody changed", () => {
    const done = after(fresh, plan(definition, source, fresh).actions);
    const changed = { ...done.role, metadata: { name: "agent" }, rules: [] };
    assert.deepEqual(summary(plan(definition, source, { ...done, role: changed }).actions), [
      "applyRole agent",
    ]);
  });

  it("owns its works, marks them, and tells the configuration that they were made from", () => {
    const status = makeStatus({
      configReferences: [
        { group: "test", resource: "widgets", desiredConfig: { name: "a", specHash: "h1" } },
      ],
    });
    const snapshot = { ...fresh, addon: makeAddon({ status }) };
    const { actions } = plan(definition, makeSource([makeWidget("a", "h1")]), snapshot);
    const work = actions.find((action) => action.kind === "createWork")?.work;
    assert.deepEqual(work?.metadata, {
      name: `${prefix}0`,
      namespace: "c1",
      labels: { "open-cluster-management.io/addon-name": "managed-serviceaccount" },
      annotations: { "open-cluster-management.io/config-spec-hash": '{"widgets.test//a":"h1"}' },
      ownerReferences: [
        {
          apiVersion: "addon.open-cluster-management.io/v1beta1",
          kind: "ManagedClusterAddOn",
          name: "managed-serviceaccount",
          uid: "addon-uid",
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    });
  });

  it("keeps back from deletion what says so", () => {
    const namespace = {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: {
        name: "shared",
        annotations: { "addon.open-cluster-management.io/deletion-orphan": "" },
      },
    };
    const keeping = makeDefinition({
      render: () => ({ kind: "manifests", manifests: [namespace, makeManifest("m")] }),
    });
    const { actions } = plan(keeping, source, fresh);
    const work = actions.find((action) => action.kind === "createWork")?.work;
    assert.deepEqual(work?.spec.deleteOption, {
      propagationPolicy: "SelectivelyOrphan",
      selectivelyOrphans: {
        orphaningRules: [{ group: "", resource: "namespaces", namespace: "", name: "shared" }],
      },
    });
  });

  it("waits for OCM's addon manager before it makes manifests, not before it gives rights", () => {
    const snapshot = { ...fresh, addon: makeAddon({ status: makeStatus({ conditions: [] }) }) };
    const { actions, delivery } = plan(definition, source, snapshot);
    assert.deepEqual(summary(actions), ["applyRole agent", "applyRoleBinding agent"]);
    assert.deepEqual(delivery, { kind: "waiting", message: undefined });
  });

  it("leaves works as they are while it cannot make manifests", () => {
    const refusing = makeDefinition({
      render: () => {
        throw new TerminalError("Cannot use replicas");
      },
    });
    const snapshot = { ...fresh, works: [makeWork(`${prefix}0`, [makeManifest("old")])] };
    const { actions, delivery } = plan(refusing, source, snapshot);
    assert.ok(!actions.some(({ kind }) => kind.endsWith("Work")));
    assert.deepEqual(delivery, { kind: "refused", message: "Cannot use replicas" });
  });

  it("does not hide a fault of its own as bad input", () => {
    const faulty = makeDefinition({
      render: () => {
        throw new RangeError("bug");
      },
    });
    assert.throws(() => plan(faulty, source, fresh), RangeError);
  });

  it("replaces a work that differs and removes one that is no longer needed", () => {
    const works = [
      makeWork(`${prefix}0`, [makeManifest("m", { data: { old: "yes" } })]),
      makeWork(`${prefix}1`, [makeManifest("gone")]),
    ];
    const { actions } = plan(definition, source, { ...fresh, works });
    assert.deepEqual(summary(actions).slice(2), [
      `replaceWork ${prefix}0`,
      `deleteWork ${prefix}1`,
    ]);
  });

  it("keeps what others have put on a work that it replaces", () => {
    const old = makeWork(`${prefix}0`, [makeManifest("x")]);
    const marked = {
      ...old,
      metadata: { ...old.metadata, finalizers: ["f"], labels: { other: "label" } },
    };
    const { actions } = plan(definition, source, { ...fresh, works: [marked] });
    const work = actions.find((action) => action.kind === "replaceWork")?.work;
    const { finalizers, labels, resourceVersion } = work?.metadata ?? {};
    assert.deepEqual([finalizers, labels?.["other"], resourceVersion], [["f"], "label", "3"]);
  });

  it("keeps the driver that the klusterlet has written", () => {
    const registrations = [{ kind: "kubeClient", user: "x", groups: [], driver: "csr" }] as const;
    const snapshot = { ...fresh, addon: makeAddon({ status: makeStatus({ registrations }) }) };
    assert.deepEqual(plan(definition, source, snapshot).registrations, [
      { kind: "kubeClient", user: "user-of-c1", groups: ["agents"], driver: "csr" },
    ]);
  });

  it("keeps the user of a token, but only the one that OCM makes for this addon", () => {
    const want = {
      "system:serviceaccount:c1:managed-serviceaccount-agent": [false, "applyRoleBinding agent"],
      "system:serviceaccount:c2:managed-serviceaccount-agent": [true, undefined],
      "": [true, undefined],
    };
    for (const [user, [isPending, binding]] of Object.entries(want)) {
      const registrations = [{ kind: "kubeClient", user, groups: [], driver: "token" }] as const;
      const snapshot = { ...fresh, addon: makeAddon({ status: makeStatus({ registrations }) }) };
      const planned = plan(definition, source, snapshot);
      assert.equal(planned.isPermissionPending, isPending, user);
      assert.equal(
        summary(planned.actions).find((text) => text.startsWith("applyRoleBinding")),
        binding,
      );
    }
  });

  it("registers nothing while a signer has no authority", () => {
    const signer = {
      signerName: "example.io/signer",
      subject: () => ({ user: "u", groups: [] }),
      authority: () => undefined,
      lifetimeMs: 1,
      names: () => [],
    };
    const planned = plan(makeDefinition({ customSigners: [signer] }), source, fresh);
    assert.deepEqual(planned.registrations, []);
    assert.equal(planned.isPermissionPending, true);
  });

  it("takes the namespace of the addon only where the addon may choose", () => {
    const snapshot = { ...fresh, addon: makeAddon({ installNamespace: "chosen" }) };
    assert.equal(plan(definition, source, snapshot).namespace, "chosen");
    const fixed = makeDefinition({ installNamespace: { default: "d", isChosenByAddon: false } });
    assert.equal(plan(fixed, source, snapshot).namespace, "d");
  });
});

describe("statusAfter()", () => {
  const conditionsOf = (snapshot: Snapshot, outcome = {}, of = definition) => {
    const planned = plan(of, source, snapshot);
    const { conditions } = statusAfter(of, source, snapshot, planned, outcome, now);
    return Object.fromEntries(
      conditions.map(({ type, status, reason, message }) => [
        type,
        `${status} ${reason}: ${message}`,
      ]),
    );
  };
  const done = after(fresh, plan(definition, source, fresh).actions);
  const withApplied = (status: "True" | "False", observedGeneration = 1): Snapshot => ({
    ...done,
    works: done.works.map((work) => {
      const applied = makeCondition({ type: "Applied", status, observedGeneration });
      return Object.assign(structuredClone(work), {
        metadata: { ...work.metadata, generation: 1 },
        status: { conditions: [applied], resourceStatus: {} },
      });
    }),
  });

  it("says that registration is configured, and nothing about manifests that are on their way", () => {
    assert.deepEqual(conditionsOf(fresh), {
      Configured: "True Because: ",
      RegistrationApplied:
        "True SetPermissionApplied: Registration of the addon agent is configured",
    });
  });

  it("says that manifests are applied once the work agent does", () => {
    assert.equal(
      conditionsOf(withApplied("True"))["ManifestApplied"],
      "True AddonManifestApplied: manifests of addon are applied successfully",
    );
  });

  it("does not believe a work agent that speaks of an older content", () => {
    assert.equal(conditionsOf(withApplied("False", 0))["ManifestApplied"], undefined);
  });

  it("says that manifests could not be applied", () => {
    assert.equal(
      conditionsOf(withApplied("False"))["ManifestApplied"],
      "False AddonManifestAppliedFailed: failed to apply the manifests of addon",
    );
  });

  it("drops an old failure when something new is being applied, and keeps an old success", () => {
    for (const [status, want] of [
      ["False", undefined],
      ["True", "True Because: "],
    ] as const) {
      const old = makeCondition({ type: "ManifestApplied", status });
      const addon = makeAddon({
        status: makeStatus({ conditions: [makeCondition({ type: "Configured" }), old] }),
      });
      assert.equal(conditionsOf({ ...fresh, addon })["ManifestApplied"], want);
    }
  });

  it("says what could not be done", () => {
    const outcome = { permissionError: new Error("no rights"), workError: new Error("too big") };
    assert.deepEqual(conditionsOf(fresh, outcome), {
      Configured: "True Because: ",
      RegistrationApplied:
        "False SetPermissionFailed: Failed to set permission for hub agent: no rights",
      ManifestApplied: "False ManifestWorkApplyFailed: failed to apply manifestWork: too big",
    });
  });

  it("says that an addon without manifests has them all", () => {
    const empty = makeDefinition({ render: () => ({ kind: "manifests", manifests: [] }) });
    assert.equal(
      conditionsOf(fresh, {}, empty)["ManifestApplied"],
      "True AddonManifestApplied: no manifest need to apply",
    );
  });

  it("says why it waits, unless something is delivered already", () => {
    const waiting = makeDefinition({ render: () => ({ kind: "waiting", message: "no CA" }) });
    assert.equal(
      conditionsOf(fresh, {}, waiting)["ManifestApplied"],
      "False ManifestWorkApplyFailed: waiting: no CA",
    );
    const works = [makeWork(`${prefix}0`, [])];
    assert.equal(conditionsOf({ ...fresh, works }, {}, waiting)["ManifestApplied"], undefined);
  });
});
