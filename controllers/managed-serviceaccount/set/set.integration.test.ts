import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { waitFor } from "#bed";
import { AddonHub, addonNamespace } from "../../testdata/addon-hub.ts";

const group = "authentication.open-cluster-management.io";

describe("a ManagedServiceAccountSet", { timeout: 300_000 }, () => {
  let world: AddonHub;
  before(async () => {
    world = await AddonHub.start("v1alpha1-and-v1beta1");
    await world.install("managed-serviceaccount");
  });
  after(async () => world[Symbol.asyncDispose]());

  const kubectl = async (...args: readonly string[]): Promise<string> =>
    (await world.hub.kubectl(args)).trim();
  const setField = async (path: string): Promise<string> =>
    kubectl("get", "managedserviceaccountset", "ci", "-n", addonNamespace, `-o=jsonpath={${path}}`);
  const accountField = async (cluster: string, path: string): Promise<string> =>
    kubectl("get", "managedserviceaccount", "ci", "-n", cluster, `-o=jsonpath={${path}}`);
  const until = async (want: string, read: () => Promise<string>): Promise<void> => {
    await waitFor(want, async () => (await read()) === want, { limitMs: 60_000 });
  };
  const patchSet = async (patch: object): Promise<void> => {
    const flags = ["-n", addonNamespace, "--type=merge", `-p=${JSON.stringify(patch)}`];
    await kubectl("patch", "managedserviceaccountset", "ci", ...flags);
  };
  const pretendToken = async (cluster: string): Promise<void> => {
    const at = "2026-01-01T00:00:00Z";
    const condition = {
      type: "TokenReported",
      status: "True",
      reason: "TokenReported",
      message: "",
    };
    const status = { conditions: [{ ...condition, lastTransitionTime: at }] };
    const flags = ["-n", cluster, "--subresource=status", "--type=merge"];
    const patch = `-p=${JSON.stringify({ status })}`;
    await kubectl("patch", "managedserviceaccount", "ci", ...flags, patch);
  };

  it("makes an account for the cluster that its Placement selects, and says why it is not ready", async () => {
    await world.hub.apply(`
apiVersion: ${group}/v1alpha1
kind: ManagedServiceAccountSet
metadata: {name: ci, namespace: ${addonNamespace}}
spec:
  placementRef: {name: global}
  template:
    metadata: {labels: {team: x}}
    spec: {rotation: {validity: 1h}}
`);
    await until("1h", async () => accountField("managed1", ".spec.rotation.validity"));
    await until("0/1", async () => setField(".status.summary"));
    assert.equal(await setField(".status.notReady[0].cluster"), "managed1");
    assert.equal(await accountField("managed1", ".metadata.labels.team"), "x");
  });

  it("counts it once its token is reported, where kubectl shows it", async () => {
    await pretendToken("managed1");
    await until("1/1", async () => setField(".status.summary"));
    await until("True", async () => setField(".status.conditions[0].status"));
    await waitFor("the Event", async () =>
      /Normal +AccountsReady/.test(await kubectl("get", "events", "-n", addonNamespace)),
    );
    const table = await kubectl("get", "managedserviceaccountsets", "-n", addonNamespace);
    assert.match(table, /NAME\s+READY\s+PLACEMENT\s+WHY\s+AGE\nci\s+1\/1\s+global/);
  });

  it("follows its template, and makes again what somebody deletes", async () => {
    await patchSet({ spec: { template: { spec: { rotation: { validity: "2h" } } } } });
    await until("2h", async () => accountField("managed1", ".spec.rotation.validity"));
    await kubectl("delete", "managedserviceaccount", "ci", "-n", "managed1");
    await until("2h", async () =>
      accountField("managed1", ".spec.rotation.validity").catch(() => ""),
    );
    await until("0/1", async () => setField(".status.summary"));
  });

  it("takes in a new cluster, and leaves alone an account there that others made", async () => {
    await pretendToken("managed1");
    await world.hub.apply(`
apiVersion: v1
kind: Namespace
metadata: {name: managed2}
---
apiVersion: ${group}/v1beta1
kind: ManagedServiceAccount
metadata: {name: ci, namespace: managed2}
spec: {rotation: {}}
---
apiVersion: cluster.open-cluster-management.io/v1
kind: ManagedCluster
metadata: {name: managed2}
spec: {hubAcceptsClient: true}
`);
    await until("1/2", async () => setField(".status.summary"));
    await until("AccountNotOurs", async () => setField(".status.notReady[0].reason"));
    assert.match(await setField(".status.conditions[0].message"), /^managed2: .*made by others/);
  });

  it("keeps what it has when its Placement is missing", async () => {
    await patchSet({ spec: { placementRef: { name: "nowhere" } } });
    await until("PlacementMissing", async () => setField(".status.conditions[0].reason"));
    assert.equal(await accountField("managed1", ".metadata.name"), "ci");
    await patchSet({ spec: { placementRef: { name: "global" } } });
    await until("1/2", async () => setField(".status.summary"));
  });

  it("is kept by one controller of two, and by the other when that one dies", async () => {
    const holder = async (): Promise<string> => {
      const lease = ["get", "lease", "managed-serviceaccount-addon-manager", "-n", addonNamespace];
      return kubectl(...lease, "-o=jsonpath={.spec.holderIdentity}");
    };
    const askFor = async (validity: string): Promise<void> => {
      await patchSet({ spec: { template: { spec: { rotation: { validity } } } } });
      await until(validity, async () => accountField("managed1", ".spec.rotation.validity"));
    };
    const first = await holder();
    const leading = () => world.log.split('"message":"Leading"').length - 1;
    await world.addStandby("managed-serviceaccount");
    await askFor("3h");
    assert.equal(await holder(), first);
    assert.equal(leading(), 1);
    await world.killLeaders();
    await askFor("4h");
    assert.notEqual(await holder(), first);
    assert.equal(leading(), 2);
  });

  it("takes its accounts with it, and nobody else's", async () => {
    await kubectl("delete", "managedserviceaccountset", "ci", "-n", addonNamespace);
    const left = await kubectl("get", "managedserviceaccounts", "-A", "-o=name", "--no-headers");
    assert.equal(left, `managedserviceaccount.${group}/ci`);
    assert.equal(await accountField("managed2", ".metadata.name"), "ci");
  });
});
