import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Deployment, managedProxyConfiguration, type Secret, secrets } from "#api";
import { createAuthority, issueCertificate, loadAuthority } from "#pki";
import { authoritySecret, tlsSecret } from "../../installation/tls-secret.ts";
import { assertGolden } from "../../testdata/golden.ts";
import { resolveEntrypoint } from "../entrypoint.ts";
import { servedHosts } from "../names.ts";
import { byAuthority } from "./authorities.ts";
import { wantedCertificates } from "./certificates.ts";
import { desiredObjects } from "./desired.ts";
import type { Snapshot } from "./gather.ts";
import { plan } from "./plan.ts";
import { conditionsAfter } from "./status.ts";

const now = new Date("2026-05-01T12:00:00Z");
const day = 86_400_000;
const makePair = (commonName: string) =>
  createAuthority({ commonName, lifetimeMs: 3_650 * day }, now);
const pairs = { frontends: await makePair("frontends"), agents: await makePair("agents") };
const places = byAuthority((name) => ({ namespace: "addons", name, commonName: name }));
const signers = byAuthority((name) => authoritySecret({ name, namespace: "addons" }, pairs[name]));

const options = {
  imagePullPolicy: "IfNotPresent",
  isSharedIdentityAccepted: false,
  authorityOverlapMs: day,
};

function makeConfiguration(entrypoint: Record<string, unknown> = { type: "PortForward" }) {
  return managedProxyConfiguration.parse({
    metadata: { name: "cluster-proxy", uid: "mpc-uid", generation: 3 },
    spec: {
      authentication: { signer: { type: "SelfSigned" } },
      proxyServer: { image: "hub:v1", replicas: 2, namespace: "addons", entrypoint },
      proxyAgent: { image: "agent:v1" },
    },
  });
}

async function makeSnapshot(configuration = makeConfiguration()): Promise<Snapshot> {
  const wanted = wantedCertificates(configuration.spec, undefined);
  const found = await Promise.all(
    wanted.map(async (certificate): Promise<Secret> => {
      const pair = await issueCertificate(
        loadAuthority(pairs[certificate.authority]),
        { ...certificate, lifetimeMs: 180 * day },
        now,
      );
      return tlsSecret({ name: certificate.secretName }, pair);
    }),
  );
  return {
    configuration,
    signers,
    certificates: wanted.map((certificate, index) => ({
      wanted: certificate,
      secret: found[index],
    })),
    deployment: undefined,
    sources: undefined,
    conditional: [],
    isForwarded: true,
    hasEntrypoint: true,
  };
}

function makeDeployment(status: Deployment["status"]): Deployment {
  return { metadata: { name: "cluster-proxy", generation: 5 }, ...(status ? { status } : {}) };
}

describe("desiredObjects() of the tunnel server", () => {
  for (const [name, entrypoint] of Object.entries({
    "port-forward": { type: "PortForward" },
    "load-balancer": {
      type: "LoadBalancerService",
      loadBalancerService: { annotations: [{ key: "cloud.example/type", value: "internal" }] },
      port: 443,
    },
  })) {
    it(`are as the golden file ${name} says`, (context) => {
      const configuration = makeConfiguration(entrypoint);
      const ca = { frontends: "CA of front ends", agents: "CA of agents" };
      const isForwarded = entrypoint.type === "PortForward";
      const objects = desiredObjects(configuration, { ca, isForwarded }, options);
      const shown = objects.map(({ type: { kind }, object }) => Object.assign({ kind }, object));
      assertGolden(context, shown, new URL(`testdata/${name}.yaml`, import.meta.url));
    });
  }
});

describe("desiredObjects() during a migration", () => {
  it("let upstream's agents connect and forward", () => {
    const ca = { frontends: "", agents: "" };
    const migrating = { ...options, isSharedIdentityAccepted: true };
    const text = JSON.stringify(
      desiredObjects(makeConfiguration(), { ca, isForwarded: true }, migrating),
    );
    assert.match(text, /"--shared-agent-name=open-cluster-management:cluster-proxy:proxy-agent"/);
    assert.match(text, /"kind":"Group","name":"open-cluster-management:cluster-proxy"/);
  });
});

describe("servedHosts()", () => {
  it("are the cluster's API server and upstream's service proxy", () => {
    const hash = "a140791d2b20a847f2c74c62c384f93fb83691d871e80385";
    assert.deepEqual(servedHosts("cluster1", "agents"), [
      "cluster1",
      "cluster1.agents",
      `cluster-${hash}.open-cluster-management.proxy`,
    ]);
  });
});

describe("plan() of the tunnel server", () => {
  const makes = (name: "agents" | "frontends") => ({
    kind: "makeAuthority",
    place: places[name],
    source: { kind: "own" },
  });
  const planned = (snapshot: Snapshot, at = now) => plan(snapshot, places, options, at).actions;

  it("makes a missing authority first, and nothing else without it", async () => {
    const snapshot = { ...(await makeSnapshot()), signers: { ...signers, frontends: undefined } };
    assert.deepEqual(planned(snapshot), [makes("frontends")]);
  });

  it("puts a new authority in the place of one that an earlier installation left", async () => {
    const reference = {
      apiVersion: "proxy.open-cluster-management.io/v1alpha1",
      kind: "ManagedProxyConfiguration",
      name: "cluster-proxy",
      uid: "earlier-uid",
    };
    const { metadata, ...rest } = signers.agents;
    const left = { ...rest, metadata: { ...metadata, ownerReferences: [reference] } };
    const snapshot = { ...(await makeSnapshot()), signers: { ...signers, agents: left } };
    assert.deepEqual(planned(snapshot), [
      { kind: "discard", type: secrets, object: left },
      makes("agents"),
    ]);
  });

  it("takes a certificate of the agents' authority away from front ends", async () => {
    const { certificates, ...snapshot } = await makeSnapshot();
    const agents = loadAuthority(pairs.agents);
    const shared = await Promise.all(
      certificates.map(async ({ wanted }) => {
        const pair = await issueCertificate(agents, { ...wanted, lifetimeMs: 180 * day }, now);
        return { wanted, secret: tlsSecret({ name: wanted.secretName }, pair) };
      }),
    );
    const actions = planned({ ...snapshot, certificates: shared });
    const issued = actions.flatMap((action) =>
      action.kind === "issue" ? [[action.certificate.secretName, action.why]] : [],
    );
    const why = "Certificate is signed by another authority";
    assert.deepEqual(issued, [
      ["proxy-server", why],
      ["proxy-client", why],
    ]);
  });

  it("refuses an authority that it cannot use, instead of making another", async () => {
    const { keyPem } = await createAuthority({ commonName: "other", lifetimeMs: day }, now);
    const mixed = authoritySecret(signers.agents.metadata, { ...pairs.agents, keyPem });
    const snapshot = { ...(await makeSnapshot()), signers: { ...signers, agents: mixed } };
    assert.throws(() => planned(snapshot), {
      name: "TerminalError",
      message: "Cannot use certificate authority in Secret addons/agents",
    });
  });

  it("issues no certificate that is fine", async () => {
    const actions = planned(await makeSnapshot());
    assert.ok(actions.length > 0 && actions.every(({ kind }) => kind === "apply"));
  });

  it("renews certificates in time", async () => {
    const later = new Date(now.getTime() + 150 * day);
    const issued = planned(await makeSnapshot(), later).flatMap((action) =>
      action.kind === "issue" ? [action.certificate.secretName] : [],
    );
    assert.deepEqual(issued, ["proxy-server", "agent-server", "proxy-client"]);
  });

  it("issues again when the entrypoint has another name", async () => {
    const { certificates } = await makeSnapshot();
    const moved = makeConfiguration({ type: "Hostname", hostname: { value: "hub.example" } });
    const wanted = wantedCertificates(moved.spec, undefined);
    const snapshot = {
      ...(await makeSnapshot(moved)),
      certificates: wanted.map((certificate, index) => ({
        wanted: certificate,
        secret: certificates[index]?.secret,
      })),
    };
    const reasons = planned(snapshot).flatMap((action) =>
      action.kind === "issue" ? [action.why] : [],
    );
    assert.equal(reasons[0], "Certificate lacks hub.example");
  });
});

describe("conditionsAfter() of the tunnel server", () => {
  const deployedIn = async (overrides: Partial<Snapshot>, failure?: string) => {
    const snapshot = { ...(await makeSnapshot()), ...overrides };
    const found = conditionsAfter(snapshot, places, failure, now).find(
      ({ type }) => type === "ProxyServerDeployed",
    );
    return `${found?.status} ${found?.reason}: ${found?.message}`;
  };
  const serving = { observedGeneration: 5, updatedReplicas: 2, availableReplicas: 2 };

  it("calls a server deployed when all of its pods serve", async () => {
    assert.equal(
      await deployedIn({ deployment: makeDeployment(serving) }),
      "True SuccessfullyDeployed: Replicas: 2 of 2 available",
    );
  });

  it("does not, while some do not, or are of an older template", async () => {
    for (const status of [
      undefined,
      { ...serving, availableReplicas: 1 },
      { ...serving, updatedReplicas: 1 },
      { ...serving, observedGeneration: 4 },
    ]) {
      assert.match(
        await deployedIn({ deployment: makeDeployment(status) }),
        /^False NotYetDeployed/,
      );
    }
  });

  it("does not, while a load balancer has no address", async () => {
    const deployment = makeDeployment(serving);
    assert.equal(
      await deployedIn({ deployment, hasEntrypoint: false }),
      "False NotYetDeployed: external ip not yet provisioned",
    );
  });

  it("says what went wrong", async () => {
    assert.equal(await deployedIn({}, "no rights"), "False NotYetDeployed: no rights");
  });

  it("tells when certificates end, and of which generation it speaks", async () => {
    const conditions = conditionsAfter(await makeSnapshot(), places, undefined, now);
    assert.deepEqual(
      conditions.map(({ type, status, observedGeneration }) => [type, status, observedGeneration]),
      [
        ["ProxyServerDeployed", "False", 3],
        ["ProxyServerSecretSigned", "True", 3],
        ["AgentServerSecretSigned", "True", 3],
        ["ProxyClientSecretSigned", "True", 3],
        ["SignerReady", "True", 3],
        ["AuthoritiesValid", "True", 3],
      ],
    );
    assert.equal(conditions[1]?.message, "Expiry:2026-10-28T12:00:00Z");
  });

  it("changes nothing when nothing has changed", async () => {
    const snapshot = await makeSnapshot();
    const conditions = conditionsAfter(snapshot, places, undefined, now);
    const again = {
      ...snapshot,
      configuration: { ...snapshot.configuration, status: { conditions: [...conditions] } },
    };
    assert.deepEqual(
      conditionsAfter(again, places, undefined, new Date(now.getTime() + day)),
      conditions,
    );
  });
});

describe("resolveEntrypoint()", () => {
  const balanced = makeConfiguration({ type: "LoadBalancerService", port: 443 }).spec;

  it("is a local listener for a port-forward", () => {
    const want = { host: "127.0.0.1", port: 8091, isPortForward: true };
    assert.deepEqual(resolveEntrypoint(makeConfiguration().spec, undefined), want);
  });

  it("waits for the address of a load balancer", () => {
    assert.equal(resolveEntrypoint(balanced, undefined), undefined);
  });

  it("takes a load balancer that has only a host name", () => {
    const service = {
      metadata: { name: "lb" },
      status: { loadBalancer: { ingress: [{ hostname: "lb.example" }] } },
    };
    const want = { host: "lb.example", port: 443, isPortForward: false };
    assert.deepEqual(resolveEntrypoint(balanced, service), want);
  });
});
