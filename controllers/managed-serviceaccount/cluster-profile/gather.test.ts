import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { clusterProfiles, type KubeObject, managedClusterSet, type Secret } from "#api";
import { ApiError, type KubeClient, keyOfObject } from "#kube";
import { type GatherPorts, gather } from "./gather.ts";
import {
  makeBinding,
  makeCluster,
  makeCopy,
  makeProfile,
  makeSharedAccount,
  makeToken,
} from "./testdata/makers.ts";

function cacheOf<T extends KubeObject>(...objects: readonly T[]) {
  const known = new Map(objects.map((object) => [keyOfObject(object), object]));
  return { get: (key: string) => known.get(key), list: () => [...known.values()] };
}

const ownedToken = (name: string, uid = `account-${name}`): Secret => ({
  ...makeToken(name),
  metadata: {
    ...makeToken(name).metadata,
    labels: { "authentication.open-cluster-management.io/is-managed-serviceaccount": "true" },
    ownerReferences: [{ apiVersion: "v1", kind: "ManagedServiceAccount", name, uid }],
  },
});

/** The hub holds the Secrets; answers with the ports, and what was asked of it. */
function makePorts(hub: readonly Secret[], overrides: Partial<GatherPorts> = {}) {
  const asked: string[] = [];
  const held = cacheOf(...hub);
  const client = {
    async get(_type: unknown, place: KubeObject["metadata"]) {
      const key = keyOfObject({ metadata: place });
      asked.push(key);
      const found = held.get(key);
      if (found === undefined) throw new ApiError("not_found", key);
      return found;
    },
  } as unknown as KubeClient;
  const set = { "cluster.open-cluster-management.io/clusterset": "teams" };
  const ports: GatherPorts = {
    client,
    type: clusterProfiles,
    profiles: cacheOf(makeProfile()),
    clusters: cacheOf(makeCluster(set)),
    addons: cacheOf({ metadata: { name: "managed-serviceaccount", namespace: "c1" } }),
    sets: cacheOf(managedClusterSet.parse({ metadata: { name: "teams" } })),
    bindings: cacheOf(makeBinding("teams", "True")),
    accounts: cacheOf(makeSharedAccount("ops"), makeSharedAccount("ci")),
    copies: cacheOf<Secret>(),
    namespaces: ["*"],
    gateway: () => undefined,
    ...overrides,
  };
  return { ports, asked };
}

const gatherFrom = async (ports: GatherPorts) =>
  gather(ports, "team-a/c1", new AbortController().signal);

describe("gather()", () => {
  it("reads the tokens of shared accounts, in order, and what stands where copies go", async () => {
    const foreign: Secret = { metadata: { name: "c1-ci", namespace: "team-a" } };
    const { ports } = makePorts([ownedToken("ci"), ownedToken("ops"), foreign]);
    const { standing, accounts } = await gatherFrom(ports);
    assert.equal(standing.kind, "bound");
    assert.deepEqual(
      accounts.map(({ account, source, present }) => [
        account.metadata.name,
        source?.metadata.name,
        present,
      ]),
      [
        ["ci", "ci", foreign],
        ["ops", "ops", undefined],
      ],
    );
  });

  it("asks the hub for no copy that a cache knows", async () => {
    const copy = makeCopy("c1-ci");
    const accounts = cacheOf(makeSharedAccount("ci"));
    const { ports, asked } = makePorts([ownedToken("ci")], { accounts, copies: cacheOf(copy) });
    const [shared] = (await gatherFrom(ports)).accounts;
    assert.equal(shared?.present, copy);
    assert.deepEqual(asked, ["c1/ci"]);
  });

  it("takes no Secret for a token that the agent has not made for this account", async () => {
    const accounts = cacheOf(makeSharedAccount("ci"));
    for (const secret of [makeToken("ci"), ownedToken("ci", "an earlier one")]) {
      const { ports } = makePorts([secret], { accounts });
      const [shared] = (await gatherFrom(ports)).accounts;
      assert.equal(shared?.source, undefined);
    }
  });

  it("finds no accounts where the addon is not, or is on its way out", async () => {
    const metadata = { name: "managed-serviceaccount", namespace: "c1" };
    const going = { metadata: { ...metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } };
    for (const addons of [cacheOf(), cacheOf(going)]) {
      const { ports } = makePorts([ownedToken("ci")], { addons });
      assert.deepEqual((await gatherFrom(ports)).accounts, []);
    }
  });
});
