import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Exchange, RawHeaders } from "#proxy";
import type { Caller } from "../identity/actor.ts";
import type { AuditEvent } from "./audit-event.ts";
import { metadataOfAll, parseAuditPolicy } from "./audit-policy.ts";
import { createAuditor } from "./auditor.ts";

const alice = { name: "alice", uid: "u1", groups: ["devs", "system:authenticated"], extra: {} };
const self: Caller = { authenticated: alice, user: alice };
const bytes = { received: 3, sent: 70 };
const id = "0f0e0d0c-0b0a-4908-8706-050403020100";

function exchangeOf(target: string, headers: RawHeaders = [], method = "GET"): Exchange {
  return { method, target, headers, peer: { address: "10.0.0.9" } } as unknown as Exchange;
}

function auditedCall(rest: string, isLong = false) {
  const [path = "", query] = rest.split("?", 2);
  return { cluster: "managed1", path, query: query === undefined ? "" : `?${query}`, isLong };
}

const prefix = "/apis/cluster.core.oam.dev/v1alpha1/clustergateways/managed1/proxy";

/** The events of one request for `rest`, whose caller and headers may differ. */
function eventsOf(
  rest: string,
  {
    headers = [],
    caller = self,
    policy = metadataOfAll,
    isLong = false,
    method = "GET",
  }: Partial<{
    headers: RawHeaders;
    caller: Caller;
    policy: typeof metadataOfAll;
    isLong: boolean;
    method: string;
  }> = {},
): readonly AuditEvent[] {
  const events: AuditEvent[] = [];
  const open = createAuditor({
    group: "cluster.core.oam.dev",
    policy: () => policy,
    sinks: [{ write: (event) => void events.push(event) }],
    now: () => new Date("2026-01-02T03:04:05.678Z"),
  });
  const entry = open(exchangeOf(prefix + rest, headers, method), caller, auditedCall(rest, isLong));
  entry.acts({ kind: "user", because: "Impersonate", user: { ...alice, name: "hub:alice" } });
  entry.started(200);
  entry.ended({ status: 200, bytes });
  return events;
}

describe("the audit log", () => {
  it("tells of a request once, with who asked, who acted, on what and how it ended", () => {
    const headers = ["Audit-ID", id, "X-Forwarded-For", "192.0.2.7", "User-Agent", "kubectl/v1"];
    const [event, ...others] = eventsOf("/api/v1/namespaces/shop/pods/web/log?tail=5", { headers });
    assert.deepEqual(others, []);
    assert.deepEqual(event, {
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level: "Metadata",
      auditID: id,
      stage: "ResponseComplete",
      requestURI: `${prefix}/api/v1/namespaces/shop/pods/web/log?tail=5`,
      verb: "get",
      user: { username: "alice", uid: "u1", groups: ["devs", "system:authenticated"] },
      impersonatedUser: {
        username: "hub:alice",
        uid: "u1",
        groups: ["devs", "system:authenticated"],
      },
      sourceIPs: ["192.0.2.7", "10.0.0.9"],
      userAgent: "kubectl/v1",
      objectRef: {
        resource: "pods",
        namespace: "shop",
        name: "web",
        apiVersion: "v1",
        subresource: "log",
      },
      responseStatus: { code: 200 },
      requestReceivedTimestamp: "2026-01-02T03:04:05.678000Z",
      stageTimestamp: "2026-01-02T03:04:05.678000Z",
      annotations: {
        "cluster.core.oam.dev/cluster": "managed1",
        "cluster.core.oam.dev/acts-as": "user",
        "cluster.core.oam.dev/because": "Impersonate",
        "cluster.core.oam.dev/seconds": "0.000",
        "cluster.core.oam.dev/bytes-received": "3",
        "cluster.core.oam.dev/bytes-sent": "70",
      },
    });
  });

  it("tells of a long call when it begins and when it ends, under one name", () => {
    const events = eventsOf("/api/v1/pods?watch=true", { isLong: true });
    assert.deepEqual(
      events.map(({ stage, verb }) => `${stage} ${verb}`),
      ["ResponseStarted watch", "ResponseComplete watch"],
    );
    assert.equal(new Set(events.map(({ auditID }) => auditID)).size, 1);
  });

  it("leaves out what the policy leaves out, whole or by its stage", () => {
    const head = "apiVersion: audit.k8s.io/v1\nkind: Policy\n";
    const none = parseAuditPolicy(`${head}rules: [{level: None, verbs: [watch]}]`, "p");
    assert.deepEqual(eventsOf("/api/v1/pods?watch=true", { policy: none, isLong: true }), []);
    const some = parseAuditPolicy(
      `${head}rules: [{level: Metadata}]\nomitStages: [ResponseStarted]`,
      "p",
    );
    const events = eventsOf("/api/v1/pods?watch=true", { policy: some, isLong: true });
    assert.deepEqual(
      events.map(({ stage }) => stage),
      ["ResponseComplete"],
    );
  });

  it("names who was authenticated, and whom he acted for, when --as was used", () => {
    const bob = { ...alice, name: "bob" };
    const open = (caller: Caller) => {
      const events: AuditEvent[] = [];
      const sinks = [{ write: (event: AuditEvent) => void events.push(event) }];
      const entry = createAuditor({
        group: "cluster.core.oam.dev",
        policy: () => metadataOfAll,
        sinks,
      })(exchangeOf(prefix), caller, auditedCall("/version"));
      entry.ended({ status: 403, message: "no", bytes });
      return events[0];
    };
    const event = open({ authenticated: alice, user: bob });
    assert.equal(event?.user.username, "alice");
    assert.equal(event.impersonatedUser?.username, "bob");
    assert.deepEqual(event.responseStatus, { code: 403, message: "no" });
    assert.equal(open(self)?.impersonatedUser, undefined);
  });

  it("goes by who was authenticated, so that nobody gets out of it by --as", () => {
    const head = "apiVersion: audit.k8s.io/v1\nkind: Policy\n";
    const text = `${head}rules: [{level: None, users: [bob]}, {level: Metadata}]`;
    const policy = parseAuditPolicy(text, "p");
    const asBob = { authenticated: alice, user: { ...alice, name: "bob" } };
    assert.equal(eventsOf("/version", { policy, caller: asBob }).length, 1);
    const asAlice = { authenticated: { ...alice, name: "bob" }, user: alice };
    assert.deepEqual(eventsOf("/version", { policy, caller: asAlice }), []);
  });

  it("never shows what may be a credential", () => {
    const headers = ["Authorization", "Bearer head.hunter2.tail", "Cookie", "session=hunter3"];
    const rest =
      "/api/v1/namespaces/a/services/b/proxy/x?access_token=hunter4&Pass%77ord=hunter5&a=1";
    const text = JSON.stringify(eventsOf(rest, { headers }));
    assert.doesNotMatch(text, /hunter/);
    assert.match(text, /access_token=redacted&Pass%77ord=redacted&a=1/);
  });

  const ids: readonly (readonly [given: string, isKept: boolean])[] = [
    [id, true],
    ["", false],
    ["a".repeat(65), false],
    ["a\nb", false],
    ["<b>", false],
  ];
  for (const [given, isKept] of ids) {
    it(`${isKept ? "keeps" : "replaces"} the name ${JSON.stringify(given)}`, () => {
      const [event] = eventsOf("/version", { headers: ["audit-id", given] });
      assert.equal(event?.auditID === given, isKept);
      assert.match(event?.auditID ?? "", /^[\w.-]{1,64}$/);
    });
  }

  it("believes no address that is none", () => {
    const headers = ["x-forwarded-for", "192.0.2.1, <script>, 2001:db8::1"];
    assert.deepEqual(eventsOf("/version", { headers })[0]?.sourceIPs, [
      "192.0.2.1",
      "2001:db8::1",
      "10.0.0.9",
    ]);
  });
});
