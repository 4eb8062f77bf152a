import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { UserCaller } from "./caller.ts";
import { incomingHeaders, outgoingHeaders, scopedCookie } from "./outgoing-headers.ts";
import { parseUserRoute } from "./user-route.ts";

const user = { name: "ann", groups: ["devs", "system:authenticated"], extra: {} };
const hub: UserCaller = { kind: "hub", authenticated: user, user, acting: user };
const managed: UserCaller = { kind: "managed", subject: "system:serviceaccount:ns:account" };
const api = parseUserRoute("/c1/api");
const target = "/c1/api/v1/namespaces/ns/services/http:web:80/proxy-service/a?b";
const service = parseUserRoute(target);

describe("outgoingHeaders()", () => {
  const dropped: Readonly<Record<string, readonly [hub: boolean, managed: boolean]>> = {
    authorization: [true, false],
    "impersonate-user": [true, false],
    "impersonate-extra-a": [true, false],
    impersonate_user: [true, true],
    "x-remote-user": [true, true],
    x_remote_group: [true, true],
    "cluster-proxy-service": [true, true],
    cookie: [false, false],
  };
  for (const [name, [ofHub, ofManaged]] of Object.entries(dropped)) {
    it(`decides about ${name}`, () => {
      assert.equal(outgoingHeaders(api, hub).isDropped?.(name), ofHub);
      assert.equal(outgoingHeaders(api, managed).isDropped?.(name), ofManaged);
    });
  }

  it("names the target, and the user of the hub", () => {
    assert.deepEqual(outgoingHeaders(service, hub).set, [
      "cluster-proxy-proto",
      "http",
      "cluster-proxy-namespace",
      "ns",
      "cluster-proxy-service",
      "web",
      "cluster-proxy-port",
      "80",
      "impersonate-user",
      "ann",
      "impersonate-group",
      "devs",
    ]);
    assert.equal(outgoingHeaders(api, managed).set?.length, 8);
  });

  it("sends no token in disguise", () => {
    const { rewrite } = outgoingHeaders(api, hub);
    const name = "sec-websocket-protocol";
    const value = "v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.abc";
    assert.equal(rewrite?.(name, value), "v4.channel.k8s.io");
  });
});

describe("incomingHeaders()", () => {
  const base = target.slice(0, -"/a?b".length);
  const { rewrite } = incomingHeaders(target, service);
  const cases: readonly (readonly [value: string, expected: string])[] = [
    ["/x?y", `${base}/x?y`],
    ["http://web.ns.svc/x", `${base}/x`],
    ["http://web.ns.svc:80/x", `${base}/x`],
    ["http://other.test/x", "http://other.test/x"],
    ["x", "x"],
  ];
  for (const [value, expected] of cases) {
    it(`tells ${value} as ${expected}`, () => assert.equal(rewrite?.("location", value), expected));
  }
});

describe("scopedCookie()", () => {
  const cases: readonly (readonly [cookie: string, expected: string])[] = [
    ["a=b", "a=b; Path=/p/"],
    ["a=b; Path=/", "a=b; Path=/p/"],
    ["a=b; path=/x; HttpOnly", "a=b; HttpOnly; Path=/p/x"],
    ["a=b; Path=x", "a=b; Path=/p/"],
    ["a=b; Domain=example.test; Secure; PATH = /x", "a=b; Secure; Path=/p/x"],
    ["a=b; Path=/..; Domain", "a=b; Path=/p/.."],
  ];
  for (const [cookie, expected] of cases) {
    it(`scopes ${cookie}`, () => assert.equal(scopedCookie(cookie, "/p"), expected));
  }
});
