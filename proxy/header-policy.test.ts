import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { forwardRequestHeaders, forwardResponseHeaders } from "./header-policy.ts";

/** `name: value` lines as a raw header list. */
function raw(...lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const at = line.indexOf(":", 1);
    return [line.slice(0, at), line.slice(at + 1).trim()];
  });
}

interface Case {
  readonly inbound: readonly string[];
  readonly want: readonly string[];
}

const requests: Readonly<Record<string, Case>> = {
  "keeps order, number and value of what it does not know": {
    inbound: ["Accept: a", "X-B: 1", "accept: b", "x-b: 2"],
    want: ["accept: a", "x-b: 1", "accept: b", "x-b: 2"],
  },
  "drops the fields of the connection": {
    inbound: [
      "Connection: keep-alive",
      "Keep-Alive: timeout=5",
      "Proxy-Connection: x",
      "Proxy-Authorization: Basic x",
      "Transfer-Encoding: chunked",
      "Upgrade: h2c",
      "HTTP2-Settings: x",
      "Host: hub",
      ":authority: hub",
      "X-Kept: 1",
    ],
    want: ["x-kept: 1"],
  },
  "drops what Connection names, in whatever case and number": {
    inbound: [
      "CONNECTION: X-One ,x-TWO",
      "connection: x-three",
      "x-one: 1",
      "X-Two: 2",
      "X-THREE: 3",
    ],
    want: [],
  },
  "asks for trailers when the client does, and for no other transfer coding": {
    inbound: ["TE: gzip, trailers;q=1"],
    want: ["te: trailers"],
  },
  "adds no accept-encoding": { inbound: ["Accept: */*"], want: ["accept: */*"] },
};

/** Every spelling by which a caller may try to say who it is. */
const hostile: readonly string[] = [
  "Authorization: Bearer hub-token",
  "AUTHORIZATION: Bearer hub-token",
  "authorization: Basic x",
  "Impersonate-User: root",
  "impersonate-USER: root",
  "Impersonate-Group: system:masters",
  "Impersonate-Uid: 0",
  "Impersonate-Extra-%53copes: x",
  "IMPERSONATE-EXTRA-scopes%2fx: x",
  "Impersonate_User: root",
  "X-Remote-User: root",
  "x-REMOTE-group: system:masters",
  "X-Remote-Extra-Acme%2Ecom: x",
  "X-Remote-Uid: 0",
  "X_Remote_User: root",
  "X-Remote_Group: system:masters",
];

describe("forwardRequestHeaders()", () => {
  for (const [name, { inbound, want }] of Object.entries(requests)) {
    it(name, () => assert.deepEqual(forwardRequestHeaders(raw(...inbound)), raw(...want)));
  }

  for (const line of hostile) {
    it(`stops "${line}"`, () => {
      assert.deepEqual(forwardRequestHeaders(raw(line, line, "x-kept: 1")), raw("x-kept: 1"));
    });
  }

  it("sets the caller's fields in place of all that came under their names", () => {
    const policy = { set: raw("authorization: Bearer managed", "X-Cluster: one") };
    const outbound = forwardRequestHeaders(
      raw("Authorization: Bearer hub", "x-cluster: two", "X-CLUSTER: three"),
      policy,
    );
    assert.deepEqual(outbound, raw("authorization: Bearer managed", "X-Cluster: one"));
  });

  it("sets the caller's fields although Connection names them", () => {
    const policy = { set: raw("authorization: Bearer managed") };
    assert.deepEqual(
      forwardRequestHeaders(raw("Connection: authorization", "Authorization: x"), policy),
      raw("authorization: Bearer managed"),
    );
  });

  it("appends the client to those that forwarded before", () => {
    assert.deepEqual(
      forwardRequestHeaders(
        raw("X-Forwarded-For: 1.1.1.1", "x-forwarded-for: 2.2.2.2"),
        {},
        "::ffff:3.3.3.3",
      ),
      raw("x-forwarded-for: 1.1.1.1, 2.2.2.2, 3.3.3.3"),
    );
  });

  it("rewrites and drops single values as the policy says", () => {
    const policy = {
      rewrite: (name: string, value: string) =>
        name === "x-list" ? (value === "b" ? undefined : value.toUpperCase()) : value,
    };
    assert.deepEqual(
      forwardRequestHeaders(raw("x-list: a", "x-list: b", "x-other: b"), policy),
      raw("x-list: A", "x-other: b"),
    );
  });

  it("leaves identity to a policy that says so", () => {
    const policy = { isDropped: (name: string) => name === "cookie" };
    assert.deepEqual(
      forwardRequestHeaders(raw("Authorization: Bearer x", "Cookie: a=1"), policy),
      raw("authorization: Bearer x"),
    );
  });
});

describe("forwardResponseHeaders()", () => {
  it("drops the fields of the connection and keeps the rest, repeated ones too", () => {
    assert.deepEqual(
      forwardResponseHeaders(
        raw("Connection: close, X-Hop", "X-Hop: 1", "Set-Cookie: a=1", "Set-Cookie: b=2"),
      ),
      raw("set-cookie: a=1", "set-cookie: b=2"),
    );
  });
});
