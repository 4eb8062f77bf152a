import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  findCondition,
  isConditionTrue,
  leases,
  managedServiceAccounts,
  secrets,
  serviceAccounts,
} from "#api";
import { waitFor } from "#bed";
import { ignoreNotFound } from "#kube";
import { createLogger } from "#runtime";
import { type AuditedRequest, AuditLog, startTcpRelay } from "#testing";
import {
  agentManagedUser,
  agentNamespace,
  agentUser,
  clusterName,
  type RunningAgent,
  soon,
  TokenBed,
} from "./token-bed.ts";
import { TokenReader } from "./token-reader.ts";

const group = "/apis/authentication.open-cluster-management.io";
const apiVersion = "authentication.open-cluster-management.io/v1alpha1";
const label = "authentication.open-cluster-management.io/is-managed-serviceaccount";

describe("the token agent between two clusters", { timeout: 300_000 }, () => {
  let bed: TokenBed;
  let agent: RunningAgent;
  /** What the agent writes. */
  let logs: Readonly<Record<"hub" | "managed", AuditLog>>;

  before(async () => {
    logs = { hub: await AuditLog.of([agentUser]), managed: await AuditLog.of([agentManagedUser]) };
    const flags = { hub: logs.hub.flags, managed: logs.managed.flags };
    bed = await TokenBed.start(startTcpRelay, flags);
    agent = await bed.startAgent();
  });
  after(async () => {
    await agent.stop();
    await bed[Symbol.asyncDispose]();
    for (const log of Object.values(logs)) await log[Symbol.asyncDispose]();
  });

  const serviceAccount = async (name: string) =>
    ignoreNotFound(
      bed.managedAdmin.get(serviceAccounts, { name, namespace: agentNamespace }, soon()),
    );
  const deleteServiceAccount = async (name: string) =>
    bed.managedAdmin.delete(serviceAccounts, { name, namespace: agentNamespace }, soon());
  const deleteAccount = async (name: string) =>
    bed.hubAdmin.delete(managedServiceAccounts, { name, namespace: clusterName }, soon());
  const patchSecret = async (name: string, data: Readonly<Record<string, string>>) => {
    const key = { name, namespace: clusterName };
    await bed.hubAdmin.mergePatch(secrets, key, { data }, soon());
  };
  const reported = async (name: string) =>
    waitFor(`a report on ${name}`, async () => {
      const { status } = await bed.account(name);
      return isConditionTrue(status.conditions, "TokenReported") && status;
    });
  const refusal = async (name: string) =>
    waitFor(`a refusal of ${name}`, async () => {
      const { status } = await bed.account(name);
      const told = findCondition(status.conditions, "TokenReported");
      return told?.status === "False" && told;
    });
  const renewals = async () => {
    const lines = (await agent.metrics.text()).matchAll(/renewals_total\{[^}]*\} (\d+)/g);
    return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
  };

  it("brings a token to the hub in upstream's shape, with conditions", async () => {
    await bed.createAccount("reader");
    const token = await bed.workingToken("reader");
    const subject = `system:serviceaccount:${agentNamespace}:reader`;
    assert.equal(await bed.userOf(token), subject);
    const status = await reported("reader");
    assert.ok(isConditionTrue(status.conditions, "SecretCreated"));
    assert.equal(status.tokenSecretRef?.name, "reader");
    const made = await serviceAccount("reader");
    assert.deepEqual(made?.metadata.labels, { [label]: "true" });
    const secret = await bed.secret("reader");
    const { uid } = (await bed.account("reader")).metadata;
    assert.equal(secret?.type, "Opaque");
    assert.deepEqual(Object.keys(secret.data ?? {}).toSorted(), ["ca.crt", "token"]);
    assert.deepEqual(secret.metadata.labels, { [label]: "true" });
    assert.deepEqual(secret.metadata.ownerReferences, [
      {
        apiVersion: "authentication.open-cluster-management.io/v1beta1",
        kind: "ManagedServiceAccount",
        name: "reader",
        uid,
      },
    ]);
  });

  it("keeps to the shorter lifetime that the cluster grants, and says so, without a storm", async () => {
    await bed.createAccount("short");
    await bed.workingToken("short");
    const status = await reported("short");
    const message = findCondition(status.conditions, "TokenReported")?.message;
    assert.equal(message, "Asked for 8640h0m0s, the managed cluster grants 1h0m0s");
    const lifeMs =
      Date.parse(status.expirationTimestamp ?? "") -
      Date.parse(status.tokenSecretRef?.lastRefreshTimestamp ?? "");
    assert.ok(Math.abs(lifeMs - 3_600_000) < 10_000);
    const before = await renewals();
    const { resourceVersion } = (await bed.account("short")).metadata;
    await sleep(3_000);
    assert.equal(await renewals(), before);
    assert.equal((await bed.account("short")).metadata.resourceVersion, resourceVersion);
  });

  it("makes a deleted Secret again", async () => {
    await bed.createAccount("no-secret");
    const first = await bed.workingToken("no-secret");
    await bed.hubAdmin.delete(secrets, { name: "no-secret", namespace: clusterName }, soon());
    await bed.workingToken("no-secret", first);
  });

  it("makes a deleted ServiceAccount again, with a token that works", async () => {
    await bed.createAccount("no-sa");
    const first = await bed.workingToken("no-sa");
    await deleteServiceAccount("no-sa");
    const second = await bed.workingToken("no-sa", first);
    assert.notEqual(second, first);
  });

  it("heals a token that somebody scribbled over", async () => {
    await bed.createAccount("scribbled");
    const first = await bed.workingToken("scribbled");
    await patchSecret("scribbled", { token: Buffer.from("scribble").toString("base64") });
    const second = await bed.workingToken("scribbled", first);
    assert.notEqual(second, first);
  });

  it("puts the certificate authority right without a new token", async () => {
    await bed.createAccount("bad-ca");
    const token = await bed.workingToken("bad-ca");
    await reported("bad-ca");
    const before = (await bed.secret("bad-ca"))?.data?.["ca.crt"];
    await patchSecret("bad-ca", { "ca.crt": Buffer.from("evil").toString("base64") });
    await waitFor("the right authority", async () => {
      return (await bed.secret("bad-ca"))?.data?.["ca.crt"] === before;
    });
    assert.equal(await bed.workingToken("bad-ca"), token);
  });

  it("renews once when the validity is changed", async () => {
    await bed.createAccount("validity", { rotation: { validity: "1h" } });
    const first = await bed.workingToken("validity");
    await reported("validity");
    const key = { name: "validity", namespace: clusterName };
    const patch = { spec: { rotation: { validity: "30m" } } };
    await bed.hubAdmin.mergePatch(managedServiceAccounts, key, patch, soon());
    const second = await bed.workingToken("validity", first);
    await waitFor("the new report", async () => {
      const { metadata, status } = await bed.account("validity");
      const told = findCondition(status.conditions, "TokenReported");
      return told?.observedGeneration === metadata.generation;
    });
    await sleep(1_500);
    assert.equal(await bed.workingToken("validity"), second);
  });

  it("refuses a ServiceAccount that others made, until it asks to be adopted", async () => {
    const foreign = { metadata: { name: "foreign", namespace: agentNamespace } };
    await bed.managedAdmin.create(serviceAccounts, foreign, soon());
    await bed.createAccount("foreign");
    const told = await refusal("foreign");
    assert.equal(told.reason, "ServiceAccountNotOurs");
    assert.match(told.message, /made by others/);
    assert.equal(await bed.secret("foreign"), undefined);
    const annotations = { "authentication.open-cluster-management.io/adopt": "true" };
    const key = { name: "foreign", namespace: agentNamespace };
    const patch = { metadata: { annotations } };
    await bed.managedAdmin.mergePatch(serviceAccounts, key, patch, soon());
    const nudge = { metadata: { annotations: { nudge: "1" } } };
    const account = { name: "foreign", namespace: clusterName };
    await bed.hubAdmin.mergePatch(managedServiceAccounts, account, nudge, soon());
    await bed.workingToken("foreign");
    await reported("foreign");
    await deleteAccount("foreign");
    await sleep(1_000);
    assert.notEqual(await serviceAccount("foreign"), undefined);
  });

  it("never hands out the agent's own ServiceAccount", async () => {
    await bed.createAccount("managed-serviceaccount");
    assert.match((await refusal("managed-serviceaccount")).message, /the agent's own/);
    assert.equal(await bed.secret("managed-serviceaccount"), undefined);
  });

  it("leaves a Secret alone that others made", async () => {
    const data = { password: "eA==" };
    const secret = { metadata: { name: "taken", namespace: clusterName }, data };
    await bed.hubAdmin.create(secrets, secret, soon());
    await bed.createAccount("taken");
    assert.equal((await refusal("taken")).reason, "SecretNotOurs");
    assert.deepEqual((await bed.secret("taken"))?.data, data);
    assert.equal(await serviceAccount("taken"), undefined);
  });

  it("serves the others, whatever is asked for beside them, and refuses with a reason", async () => {
    const longest = "a".repeat(253);
    const refused = ["default", ...Array.from({ length: 12 }, (_, index) => `foreign-${index}`)];
    for (const name of refused.slice(1)) {
      const foreign = { metadata: { name, namespace: agentNamespace } };
      await bed.managedAdmin.create(serviceAccounts, foreign, soon());
    }
    for (const name of [...refused, longest, "0", "x.y.z"]) await bed.createAccount(name);
    for (const name of [longest, "0", "x.y.z"]) {
      await bed.workingToken(name);
      await reported(name);
    }
    for (const name of refused) {
      const { reason, message } = await refusal(name);
      assert.equal(reason, "ServiceAccountNotOurs");
      assert.match(message, new RegExp(`ServiceAccount ${agentNamespace}/${name} .*by others`));
      assert.equal(await bed.secret(name), undefined);
    }
    const failures = /^spokeway_token_failures_total\{reason="ServiceAccountNotOurs"\} (\d+)$/m;
    const [, count] = failures.exec(await agent.metrics.text()) ?? [];
    assert.ok(Number(count) >= refused.length, `${count} failures`);
  });

  it("removes ServiceAccount and Secret with the account", async () => {
    await bed.createAccount("leaving");
    const token = await bed.workingToken("leaving");
    await deleteAccount("leaving");
    await waitFor("the end of the ServiceAccount", async () => {
      return (await serviceAccount("leaving")) === undefined;
    });
    await waitFor("the end of the Secret", async () => {
      return (await bed.secret("leaving")) === undefined;
    });
    await waitFor("the end of the token", async () => (await bed.userOf(token)) === undefined);
  });

  it("removes what was orphaned while it was down", async () => {
    await bed.createAccount("orphan");
    await bed.workingToken("orphan");
    await agent.stop();
    await deleteAccount("orphan");
    agent = await bed.startAgent();
    await waitFor("the end of the orphan", async () => {
      return (await serviceAccount("orphan")) === undefined;
    });
    assert.notEqual(await serviceAccount("reader"), undefined);
  });

  it("renews nothing when it starts again", async () => {
    const token = await bed.workingToken("reader");
    await agent.stop();
    agent = await bed.startAgent();
    await waitFor("the agent", async () => agent.ready() === undefined);
    await sleep(1_500);
    assert.equal(await bed.workingToken("reader"), token);
    assert.equal(await renewals(), 0);
  });

  it("lets two agents at once settle on one token", async () => {
    const other = await bed.startAgent();
    try {
      await bed.createAccount("contested");
      await bed.workingToken("contested");
      await reported("contested");
      await sleep(1_500);
      const settledToken = await bed.workingToken("contested");
      await sleep(1_500);
      assert.equal(await bed.workingToken("contested"), settledToken);
    } finally {
      await other.stop();
    }
  });

  it("renews its Lease only while the hub is there", async () => {
    const key = { name: "managed-serviceaccount", namespace: agentNamespace };
    const renewTime = async () =>
      (await ignoreNotFound(bed.managedAdmin.get(leases, key, soon())))?.spec?.renewTime;
    await waitFor("the lease", renewTime);
    await agent.stop();
    await bed.managedAdmin.delete(leases, key, soon());
    bed.hubRoad.cut();
    agent = await bed.startAgent();
    await sleep(2_500);
    assert.equal(await renewTime(), undefined);
    assert.match(agent.ready() ?? "", /not reached/);
    bed.hubRoad.heal();
    await waitFor("the lease again", renewTime);
    assert.equal(agent.ready(), undefined);
  });

  it("goes on by itself after the hub was out of reach", async () => {
    bed.hubRoad.cut();
    await bed.createAccount("patient");
    await sleep(2_000);
    bed.hubRoad.heal();
    await bed.workingToken("patient");
  });

  it("ends accounts whose time is up, where that is switched on", async () => {
    const rules = "--verb=delete --resource=managedserviceaccounts";
    const grant = ["-n", clusterName, "create"];
    await bed.hub.kubectl([...grant, "role", "ender", ...rules.split(" ")]);
    await bed.hub.kubectl([...grant, "rolebinding", "ender", "--role=ender", "--user=addon-agent"]);
    await agent.stop();
    agent = await bed.startAgent({ endsEphemeral: true });
    await bed.createAccount("brief", { rotation: {}, ttlSecondsAfterCreation: 3 });
    await bed.workingToken("brief");
    await waitFor("the end of the ServiceAccount", async () => {
      return (await serviceAccount("brief")) === undefined;
    });
    await assert.rejects(bed.account("brief"), { code: "not_found" });
  });

  it("needs one look and no second one when it is let in by a cluster with another signing key", async () => {
    const output: string[] = [];
    await agent.stop();
    const sink = new Writable({
      write(line, _encoding, done) {
        output.push(String(line));
        done();
      },
    });
    agent = await bed.startAgent({ log: createLogger({ sink }) });
    await bed.createAccount("resigned");
    const first = await bed.workingToken("resigned");
    await reported("resigned");
    await using reader = new TokenReader(bed, "resigned");
    const before = { hub: await logs.hub.requests(), managed: await logs.managed.requests() };
    await bed.exchangeSigningKey();
    assert.equal(await bed.userOf(first), undefined);
    await bed.workingToken("resigned", first);
    await reported("resigned");
    await sleep(1_500);
    const since = async (side: "hub" | "managed") =>
      (await logs[side].requests()).slice(before[side].length);
    // Its credential of before is worth nothing there: all of this is since it was let in. A look
    // that finds the token rejected asks for another at once: one token, one look.
    const ofAccount = ({ name }: AuditedRequest): boolean => name === "resigned";
    const textOf = ({ resource, code }: AuditedRequest): string => `${resource} ${code}`;
    const granted = (await since("managed")).filter(ofAccount).map(textOf);
    assert.deepEqual(granted, ["serviceaccounts/token 201"]);
    const written = (await since("hub")).filter(ofAccount);
    const [secret] = written;
    assert.deepEqual(written.map(textOf), ["secrets 200", "managedserviceaccounts/status 200"]);
    const failed = output.filter((line) => /"error".*c1\/resigned/.test(line));
    assert.deepEqual(failed, []);
    // From then on no use of the Secret fails.
    const late = reader.failures.filter((at) => secret !== undefined && at > secret.answeredAt);
    assert.deepEqual(late, []);
    assert.ok(reader.uses > 20, `${reader.uses} uses`);
  });

  it("keeps the last good token of an account whose validity is none, and serves the others", async () => {
    await bed.createAccount("careless");
    const token = await bed.workingToken("careless");
    await reported("careless");
    const field = "rotation/properties/validity";
    const rules = [`${field}/pattern`, `${field}/x-kubernetes-validations`];
    await bed.forgetRules(rules, { rotation: { validity: "soon" } });
    const key = { name: "careless", namespace: clusterName };
    const patch = { spec: { rotation: { validity: "soon" } } };
    await bed.hubAdmin.mergePatch(managedServiceAccounts, key, patch, soon());
    await bed.createAccount("brief-token", { rotation: { validity: "5m" } });
    await bed.createAccount("careful");
    for (const [name, message] of [
      ["careless", /spec\.rotation\.validity "soon" is no duration such as 720h/],
      ["brief-token", /spec\.rotation\.validity "5m" is less than 10m/],
    ] as const) {
      const told = await refusal(name);
      assert.equal(told.reason, "InvalidValidity");
      assert.match(told.message, message);
    }
    assert.equal(await bed.workingToken("careless"), token);
    const { conditions } = (await bed.account("careless")).status;
    assert.equal(isConditionTrue(conditions, "SecretCreated"), true);
    await bed.workingToken("careful");
  });

  it("works with a hub that serves the old version of accounts only", async () => {
    await agent.stop();
    await bed.hub.kubectl([
      "patch",
      "crd",
      "managedserviceaccounts.authentication.open-cluster-management.io",
      "--type=json",
      '-p=[{"op":"replace","path":"/spec/versions/0/served","value":false}]',
    ]);
    await waitFor("the old version alone", async () => {
      const answer = await bed.hub.api.send({ path: `${group}/v1beta1` });
      return answer.status === 404;
    });
    const old = { apiVersion, kind: "ManagedServiceAccount", spec: { rotation: {} } };
    agent = await bed.startAgent();
    await bed.hub.apply(
      JSON.stringify({ ...old, metadata: { name: "old", namespace: clusterName } }),
    );
    await bed.workingToken("old");
    const [owner] = (await bed.secret("old"))?.metadata.ownerReferences ?? [];
    assert.equal(owner?.apiVersion, apiVersion);
  });
});
