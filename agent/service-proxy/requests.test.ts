import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { verdictOf } from "./access-check.ts";
import { readDestination } from "./destination.ts";
import { apiRequestHeaders, serviceRequestHeaders } from "./request-headers.ts";
import { readRequester } from "./requester.ts";

function fields(scheme: string, namespace: string, name: string, port: string): string[] {
  return Object.entries({
    "Cluster-Proxy-Proto": scheme,
    "Cluster-Proxy-Namespace": namespace,
    "Cluster-Proxy-Service": name,
    "Cluster-Proxy-Port": port,
  }).flat();
}

describe("readDestination()", () => {
  it("knows the API server by upstream's name for it, whatever port is asked for", () => {
    const headers = fields("http", "default", "kubernetes", "80");
    assert.deepEqual(readDestination(headers), { kind: "api" });
  });

  it("reads a Service", () => {
    assert.deepEqual(readDestination(fields("http", "ns", "kubernetes", "8080")), {
      kind: "service",
      target: { scheme: "http", namespace: "ns", name: "kubernetes", port: 8080 },
    });
  });

  const whole = ["https", "ns", "web", "443"] as const;
  const refused: readonly (readonly string[])[] = [
    [],
    fields("ftp", "ns", "web", "443"),
    fields("https", "", "web", "443"),
    fields("https", "ns/x", "web", "443"),
    fields("https", "ns", "web.evil.test#", "443"),
    fields("https", "ns", "169.254.169.254", "443"),
    fields("https", "ns", "web", "0"),
    fields("https", "ns", "web", "443/x"),
    fields("https", "ns", "web", "65536"),
    [...fields(...whole), "cluster-proxy-service", "other"],
  ];
  for (const headers of refused) {
    it(`refuses ${JSON.stringify(headers)}`, () => {
      assert.throws(() => readDestination(headers), { code: "bad_request" });
    });
  }
});

describe("readRequester()", () => {
  it("takes a token for itself, and leaves its impersonation to the cluster", () => {
    const headers = ["Authorization", "Bearer t", "Impersonate-User", "system:admin"];
    const impersonation = ["impersonate-user", "system:admin"];
    assert.deepEqual(readRequester(headers), { kind: "token", token: "t", impersonation });
  });

  it("takes a user of the hub without a token", () => {
    const impersonation = ["impersonate-user", "ann", "impersonate-group", "devs"];
    assert.deepEqual(readRequester(["x", "y", ...impersonation]), { kind: "user", impersonation });
  });

  const refused: readonly (readonly [headers: readonly string[], code: string])[] = [
    [[], "unauthenticated"],
    [["impersonate-group", "devs"], "unauthenticated"],
    [["impersonate_user", "ann"], "unauthenticated"],
    [["x-remote-user", "ann"], "unauthenticated"],
    [["authorization", "Basic YTpi"], "unauthenticated"],
    [["authorization", "Bearer a", "authorization", "Bearer b"], "bad_request"],
    [["impersonate-user", "ann", "impersonate-user", "bob"], "bad_request"],
    [["impersonate-user", "ann", "impersonate-uid", "1"], "bad_request"],
    [["impersonate-user", "ann", "impersonate-extra-scopes", "x"], "bad_request"],
    [["impersonate-user", "system:admin"], "forbidden"],
    [["impersonate-user", "ann", "impersonate-group", "system:masters"], "forbidden"],
  ];
  for (const [headers, code] of refused) {
    it(`refuses ${JSON.stringify(headers)}`, () => {
      assert.throws(() => readRequester(headers), { code });
    });
  }
});

describe("request headers", () => {
  const user = readRequester(["impersonate-user", "ann"]);
  const token = readRequester(["authorization", "Bearer t", "impersonate-user", "bob"]);

  it("act with the agent's own token for a user of the hub, and only then", () => {
    const { set, isDropped } = apiRequestHeaders(user, "own");
    assert.deepEqual(set, ["authorization", "Bearer own", "impersonate-user", "ann"]);
    assert.equal(isDropped?.("impersonate-user"), true);
    assert.equal(apiRequestHeaders(token, "own").set, undefined);
  });

  it("keep token and impersonation of who came with a token, and nothing that looks like it", () => {
    const { isDropped } = apiRequestHeaders(token, "own");
    const kept = ["authorization", "impersonate-user", "accept"];
    const dropped = ["impersonate_user", "x-remote-user", "cluster-proxy-port"];
    assert.deepEqual(
      kept.map((name) => isDropped?.(name)),
      [false, false, false],
    );
    assert.deepEqual(
      dropped.map((name) => isDropped?.(name)),
      [true, true, true],
    );
  });

  it("give a Service no token but the caller's own", () => {
    assert.equal(serviceRequestHeaders(user).set, undefined);
    assert.deepEqual(serviceRequestHeaders(token).set, ["authorization", "Bearer t"]);
    assert.equal(serviceRequestHeaders(token).isDropped?.("impersonate-user"), true);
  });
});

describe("verdictOf()", () => {
  const cases: readonly (readonly [status: number, body: unknown, kind: string])[] = [
    [201, { status: { allowed: true } }, "allowed"],
    [201, { status: { allowed: false, reason: "no" } }, "denied"],
    [201, { status: {} }, "denied"],
    [401, { message: "Unauthorized", status: "Failure" }, "unauthenticated"],
    [403, { message: "cannot impersonate", status: "Failure" }, "forbidden"],
  ];
  for (const [status, body, kind] of cases) {
    it(`is ${kind} for ${status} ${JSON.stringify(body)}`, () => {
      assert.equal(verdictOf(status, body).kind, kind);
    });
  }

  for (const [status, body] of [
    [500, {}],
    [201, undefined],
    [201, { status: "Success" }],
    [200, { status: { allowed: true } }],
  ] as const) {
    it(`is none for ${status} ${JSON.stringify(body)}`, () => {
      assert.throws(() => verdictOf(status, body), { code: "unreachable" });
    });
  }
});
