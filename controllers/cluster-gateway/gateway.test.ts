import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { clusterGatewayConfiguration, type KubeObject, type Secret } from "#api";
import { createAuthority } from "#pki";
import { authoritySecret } from "../installation/tls-secret.ts";
import { assertGolden } from "../testdata/golden.ts";
import { makeCluster, makeCondition } from "../testdata/makers.ts";
import { isMadeByAddon, plan as planCredential } from "./credentials/plan.ts";
import type { Snapshot as CredentialSnapshot } from "./credentials/snapshot.ts";
import { defaultPace, isHiccup, nextProbeMs, planCondition, shouldProbe } from "./health/plan.ts";
import { desiredObjects } from "./server/desired.ts";
import type { Snapshot } from "./server/gather.ts";
import { plan } from "./server/plan.ts";
import { conditionsAfter } from "./server/status.ts";

const now = new Date("2026-05-01T12:00:00Z");
const authority = await createAuthority({ commonName: "ca", lifetimeMs: 3_650 * 86_400_000 }, now);
const place = { namespace: "addons", name: "signer", commonName: "ca" };

function makeConfiguration(overrides: Record<string, unknown> = {}) {
  const credentials = {
    namespace: "addons",
    proxyClientSecretName: "proxy-client",
    proxyClientCASecretName: "proxy-server-ca",
  };
  return clusterGatewayConfiguration.parse({
    metadata: { name: "cluster-gateway", uid: "cgc-uid", generation: 2 },
    spec: {
      image: "hub:v1",
      installNamespace: "vela-system",
      secretNamespace: "credentials",
      secretManagement: { type: "ManagedServiceAccount" },
      egress: {
        type: "ClusterProxy",
        clusterProxy: { proxyServerHost: "proxy.addons", proxyServerPort: 8090, credentials },
      },
      ...overrides,
    },
  });
}

const encode = (text: string): string => Buffer.from(text).toString("base64");
const tunnel = {
  ca: { metadata: { name: "proxy-server-ca" }, data: { "ca.crt": encode("CA") } },
  client: {
    metadata: { name: "proxy-client" },
    data: { "tls.crt": encode("C"), "tls.key": encode("K"), other: encode("secret") },
  },
};
const serving = { observedGeneration: 1, updatedReplicas: 1, availableReplicas: 1 };
const deployment = { metadata: { name: "gateway-deployment", generation: 1 }, status: serving };

function makeSnapshot(overrides: Partial<Snapshot> = {}): Snapshot {
  return {
    configuration: makeConfiguration(),
    signer: authoritySecret({ name: "signer" }, authority),
    serving: undefined,
    tunnel,
    deployment: undefined,
    apiService: undefined,
    staleApiServices: [],
    ...overrides,
  };
}

describe("plan() of the gateway", () => {
  const applied = (snapshot: Snapshot): readonly string[] =>
    plan(snapshot, place, "IfNotPresent", now).actions.flatMap((action) =>
      action.kind === "apply"
        ? [`${action.desired.type.kind} ${action.desired.object.metadata.name}`]
        : [],
    );

  it("copies what opens the tunnel, then runs the gateway", () => {
    assert.deepEqual(applied(makeSnapshot()), [
      "Secret proxy-server-ca",
      "Secret proxy-client",
      "ConfigMap cluster-gateway-identity",
      "Service cluster-gateway",
      "Deployment gateway-deployment",
      "PodDisruptionBudget gateway-deployment",
    ]);
  });

  it("makes its authority first, and nothing else without it", () => {
    const { actions } = plan(makeSnapshot({ signer: undefined }), place, "IfNotPresent", now);
    assert.deepEqual(actions, [{ kind: "makeAuthority", place, source: { kind: "own" } }]);
  });

  it("copies no more than the gateway reads", () => {
    const { actions } = plan(makeSnapshot(), place, "IfNotPresent", now);
    const copies = actions.flatMap((action) =>
      action.kind === "apply" && action.desired.type.kind === "Secret"
        ? [Object.keys((action.desired.object as Secret).data ?? {})]
        : [],
    );
    assert.deepEqual(copies, [["ca.crt"], ["tls.crt", "tls.key"]]);
  });

  it("registers the API once the gateway serves, and keeps it registered", () => {
    const registration = "APIService v1alpha1.cluster.core.oam.dev";
    assert.ok(!applied(makeSnapshot()).includes(registration));
    assert.ok(applied(makeSnapshot({ deployment })).includes(registration));
    const apiService = { metadata: { name: "v1alpha1.cluster.core.oam.dev" } };
    assert.ok(applied(makeSnapshot({ apiService })).includes(registration));
  });

  it("registers the API in the group that is asked for, and takes ours out of the other", () => {
    const apiGroup = "gateway.open-cluster-management.io";
    const configuration = makeConfiguration({ apiGroup });
    const stale = (uid: string) => ({
      metadata: {
        name: "v1alpha1.cluster.core.oam.dev",
        ownerReferences: [{ apiVersion: "v1", kind: "X", name: "x", uid }],
      },
    });
    const discarded = (snapshot: Snapshot) =>
      plan(snapshot, place, "IfNotPresent", now).actions.filter(({ kind }) => kind === "discard");
    const rolling = makeSnapshot({ configuration, staleApiServices: [stale("cgc-uid")] });
    assert.deepEqual(discarded(rolling), []);
    const serving = { ...rolling, deployment };
    assert.ok(applied(serving).includes(`APIService v1alpha1.${apiGroup}`));
    assert.equal(discarded(serving).length, 1);
    assert.deepEqual(discarded({ ...serving, staleApiServices: [stale("another")] }), []);
  });

  it("waits for cluster-proxy, and says for what", () => {
    const snapshot = makeSnapshot({ tunnel: { ...tunnel, client: undefined } });
    const { actions, missing } = plan(snapshot, place, "IfNotPresent", now);
    assert.deepEqual(
      actions.map(({ kind }) => kind),
      ["issue"],
    );
    assert.match(missing ?? "", /addons\/proxy-client has no tls.crt/);
  });

  it("needs no tunnel where clusters are dialled directly", () => {
    const configuration = makeConfiguration({ egress: { type: "Direct" } });
    assert.deepEqual(applied(makeSnapshot({ configuration, tunnel: undefined })), [
      "ConfigMap cluster-gateway-identity",
      "Service cluster-gateway",
      "Deployment gateway-deployment",
      "PodDisruptionBudget gateway-deployment",
    ]);
  });
});

describe("desiredObjects() of the gateway", () => {
  for (const [name, egress] of Object.entries({
    direct: { egress: { type: "Direct" } },
    tunnel: {},
  })) {
    it(`are as the golden file ${name} says`, (context) => {
      const objects = desiredObjects(makeConfiguration(egress), "IfNotPresent");
      const shown = objects.map(({ type: { kind }, object }) => Object.assign({ kind }, object));
      assertGolden(context, shown, new URL(`testdata/${name}.yaml`, import.meta.url));
    });
  }
});

describe("the gateway's pods", () => {
  const argsWith = (overrides: Record<string, unknown>): string => {
    const objects = desiredObjects(makeConfiguration(overrides), "IfNotPresent");
    return JSON.stringify(objects);
  };

  it("know the issuer of tokens, and its CAs by a file", () => {
    const oidc = {
      issuerURL: "https://idp",
      clientID: "hub",
      groupsClaim: "groups",
      caBundle: "PEM",
    };
    const shown = argsWith({ oidc });
    for (const flag of [
      "issuer-url=https://idp",
      "client-id=hub",
      "groups-claim=groups",
      "ca-file=/etc/identity/oidc-ca.crt",
    ]) {
      assert.ok(shown.includes(`--oidc-${flag}"`), flag);
    }
    assert.ok(shown.includes('"oidc-ca.crt":"PEM"'));
    assert.doesNotMatch(shown, /groups-prefix|username-prefix/);
  });

  it("record requests where that is asked for, by the policy that is given", () => {
    assert.doesNotMatch(argsWith({}), /--audit/);
    assert.doesNotMatch(argsWith({ audit: { log: "None", policy: "p" } }), /--audit/);
    const shown = argsWith({ audit: { log: "Stdout", policy: "kind: Policy" } });
    assert.match(shown, /--audit-log-path=-"/);
    assert.match(shown, /--audit-policy-file=\/etc\/identity\/audit-policy.yaml"/);
    assert.match(shown, /"audit-policy.yaml":"kind: Policy"/);
    assert.doesNotMatch(argsWith({ audit: { log: "Stdout" } }), /--audit-policy-file/);
  });

  it("serve the group that is asked for, with no flag that only the other knows", () => {
    const apiGroup = "gateway.open-cluster-management.io";
    const shown = argsWith({ apiGroup, clusterGateways: { writable: true } });
    assert.match(shown, /--api-group=gateway.open-cluster-management.io"/);
    assert.match(shown, /--managed-serviceaccount-name=cluster-gateway"/);
    assert.doesNotMatch(shown, /--writable-clustergateways/);
    assert.doesNotMatch(argsWith({}), /--api-group/);
  });

  it("send traces where that is asked for", () => {
    assert.doesNotMatch(argsWith({}), /--tracing/);
    const shown = argsWith({ tracing: { endpoint: "http://c:4318", samplingRatePerMillion: 5 } });
    assert.match(shown, /--tracing-endpoint=http:\/\/c:4318"/);
    assert.match(shown, /--tracing-sampling-rate-per-million=5"/);
  });

  it("authorize paths where that is asked for", () => {
    assert.match(argsWith({ authorizePaths: true }), /--authorize-proxy-subpath=true/);
    assert.doesNotMatch(argsWith({}), /authorize-proxy-subpath/);
  });
});

describe("conditionsAfter() of the gateway", () => {
  const shown = (snapshot: Snapshot, obstacle?: string): string => {
    const [found] = conditionsAfter(snapshot, obstacle, now);
    return `${found?.status} ${found?.reason}: ${found?.message}`;
  };
  const apiService = (status: "True" | "False") => ({
    metadata: { name: "x" },
    status: { conditions: [makeCondition({ type: "Available", status, message: "no endpoints" })] },
  });

  it("calls it deployed when it serves and the hub reaches it", () => {
    const snapshot = makeSnapshot({ deployment, apiService: apiService("True") });
    assert.equal(shown(snapshot), "True SuccessfullyDeployed: Replicas: 1 of 1 available");
  });

  it("says what stands in the way", () => {
    assert.equal(shown(makeSnapshot(), "no Secret"), "False NotYetDeployed: no Secret");
    assert.equal(shown(makeSnapshot()), "False NotYetDeployed: Replicas: 0 of 1 available");
    assert.equal(
      shown(makeSnapshot({ deployment, apiService: apiService("False") })),
      "False NotYetDeployed: API is not available: no endpoints",
    );
  });
});

describe("plan() of a credential", () => {
  const configuration = makeConfiguration();
  const addon: KubeObject = {
    metadata: { name: "cluster-gateway", namespace: "c1", uid: "addon-uid" },
  };
  const token: Secret = {
    metadata: { name: "cluster-gateway", namespace: "c1" },
    data: { token: encode("t1"), "ca.crt": encode("CA") },
  };
  const fresh: CredentialSnapshot = {
    cluster: "c1",
    addon,
    configuration,
    spec: configuration.spec,
    account: undefined,
    token: undefined,
    credential: undefined,
  };
  const kinds = (snapshot: CredentialSnapshot): readonly string[] =>
    planCredential(snapshot, "v1beta1").map(({ kind }) => kind);
  const account = { metadata: { name: "cluster-gateway" } };
  const settled = { ...fresh, account, token };
  const credential = ((): Secret => {
    const actions = planCredential(settled, "v1beta1");
    const apply = actions.find((action) => action.kind === "applyCredential");
    return apply?.secret ?? token;
  })();

  it("asks for an account that goes with the addon", () => {
    const [action] = planCredential(fresh, "v1beta1");
    const owner = { kind: "ManagedClusterAddOn", name: "cluster-gateway", uid: "addon-uid" };
    const apiVersion = "addon.open-cluster-management.io/v1beta1";
    assert.deepEqual(action, {
      kind: "createAccount",
      object: {
        metadata: {
          namespace: "c1",
          name: "cluster-gateway",
          ownerReferences: [{ apiVersion, ...owner }],
        },
        spec: { rotation: { enabled: true, validity: "4320h" } },
      },
    });
  });

  it("gives the gateway the token and the authority, and how the cluster is reached", () => {
    assert.equal(`${credential.metadata.namespace}/${credential.metadata.name}`, "credentials/c1");
    assert.deepEqual(credential.data, { token: encode("t1"), "ca.crt": encode("CA") });
    assert.deepEqual(credential.metadata.labels, {
      "app.kubernetes.io/managed-by": "spokeway",
      "cluster.core.oam.dev/cluster-credential-type": "ServiceAccountToken",
      "cluster.core.oam.dev/cluster-endpoint-type": "ClusterProxy",
    });
  });

  it("does nothing when the gateway has it already", () => {
    assert.deepEqual(kinds({ ...settled, credential }), []);
  });

  it("passes a new token on", () => {
    const renewed = { ...token, data: { ...token.data, token: encode("t2") } };
    assert.deepEqual(kinds({ ...settled, token: renewed, credential }), ["applyCredential"]);
  });

  it("keeps the old token while there is no new one", () => {
    const empty = { ...token, data: {} };
    assert.deepEqual(kinds({ ...settled, token: empty, credential }), []);
  });

  it("takes it away with the addon, and when an administrator takes over", () => {
    assert.deepEqual(kinds({ ...settled, addon: undefined, credential }), ["deleteCredential"]);
    const { spec } = makeConfiguration({ secretManagement: { type: "Manual" } });
    assert.deepEqual(kinds({ ...settled, spec, credential }), ["deleteCredential"]);
  });

  it("copies nothing where the gateway reads the account's own Secret", () => {
    const { spec } = makeConfiguration({ apiGroup: "gateway.open-cluster-management.io" });
    assert.deepEqual(kinds({ ...fresh, spec, token }), ["createAccount"]);
    assert.deepEqual(kinds({ ...settled, spec }), []);
    assert.deepEqual(kinds({ ...settled, spec, credential }), ["deleteCredential"]);
  });

  it("never touches a Secret that an administrator made", () => {
    const foreign = { ...credential, metadata: { name: "c1", namespace: "credentials" } };
    assert.equal(isMadeByAddon(foreign), false);
    assert.deepEqual(kinds({ ...settled, credential: foreign }), ["keepForeign"]);
    assert.deepEqual(kinds({ ...settled, addon: undefined, credential: foreign }), []);
  });

  it("takes over the Secrets of the addon that it replaces", () => {
    const owner = {
      apiVersion: "v1",
      kind: "ClusterManagementAddOn",
      name: "cluster-gateway",
      uid: "x",
    };
    assert.equal(isMadeByAddon({ metadata: { name: "c1", ownerReferences: [owner] } }), true);
  });
});

describe("health of clusters", () => {
  it("is not asked while the hub itself has lost sight of the cluster", () => {
    const seen = (status: "True" | "False" | "Unknown") =>
      makeCluster({
        status: {
          conditions: [makeCondition({ type: "ManagedClusterConditionAvailable", status })],
        },
      });
    assert.equal(shouldProbe(seen("Unknown")), false);
    assert.equal(shouldProbe(seen("True")), true);
    assert.equal(shouldProbe(seen("False")), true);
    assert.equal(shouldProbe(undefined), false);
  });

  it("is written when it changes, and not otherwise", () => {
    const healthy = planCondition([], { isHealthy: true });
    assert.equal(healthy?.reason, "SuccessfullyProbedHealthz");
    const conditions = [makeCondition({ ...healthy, type: "Available" })];
    assert.equal(planCondition(conditions, { isHealthy: true }), undefined);
    const sick = planCondition(conditions, { isHealthy: false, message: "no tunnel" });
    assert.deepEqual(sick, {
      type: "Available",
      status: "False",
      reason: "FailedProbingHealthz",
      message: "no tunnel",
    });
  });

  it("is written again after the hub has called it unknown", () => {
    const unknown = makeCondition({ type: "Available", status: "Unknown", reason: "Lost" });
    assert.equal(planCondition([unknown], { isHealthy: true })?.status, "True");
  });

  it("forgives a single failure of a cluster that was well", () => {
    const well = makeCondition({ type: "Available", reason: "SuccessfullyProbedHealthz" });
    const sick = makeCondition({ type: "Available", status: "False" });
    const failure = { isHealthy: false, message: "x" } as const;
    assert.equal(isHiccup([well], failure, undefined), true);
    assert.equal(isHiccup([well], failure, now), false);
    assert.equal(isHiccup([sick], failure, undefined), false);
    assert.equal(isHiccup([], failure, undefined), false);
    assert.equal(isHiccup([well], { isHealthy: true }, undefined), false);
  });

  it("is asked often while a cluster comes up, and seldom when it is well or given up", () => {
    assert.equal(nextProbeMs(defaultPace, 1_000, 0.5), 2_000);
    assert.equal(nextProbeMs(defaultPace, undefined, 0.5), 10_000);
    assert.equal(nextProbeMs(defaultPace, 3_600_000, 0.5), 10_000);
    assert.equal(nextProbeMs(defaultPace, undefined, 0), 9_000);
  });
});
