import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ProxyError, type ProxyErrorCode } from "#proxy";
import { TunnelError, type TunnelErrorCode } from "#tunnel";
import { GatewayError } from "../answers/gateway-error.ts";
import { retryAfterOf, statusOf } from "../answers/treatment.ts";
import { isLongRunning } from "../managed-request/managed-request.ts";
import { managedRequestHeaders } from "./request-headers.ts";
import { upstreamError } from "./upstream-error.ts";

const cluster = { name: "managed1" };
const account = { kind: "account", because: "Shared" } as const;

describe("upstreamError()", () => {
  const ofProxy: Readonly<Record<ProxyErrorCode, number>> = {
    bad_target: 400,
    overloaded: 429,
    dial_failed: 502,
    dial_timeout: 504,
    tls_failed: 502,
    tls_unverified: 502,
    upstream_lost: 502,
    upstream_refused: 429,
    response_timeout: 504,
    bad_response: 502,
    closed: 503,
    client_gone: 499,
  };
  for (const [code, want] of Object.entries(ofProxy)) {
    it(`answers ${want} for ${code}, and names the cluster`, () => {
      const error = new ProxyError(code as ProxyErrorCode, "it failed");
      const status = statusOf(upstreamError(error, cluster, undefined), "g");
      assert.equal(status.code, want);
      assert.match(status.message ?? "", /cluster "managed1": /);
      assert.equal(status.details?.name, "managed1");
    });
  }

  const ofTunnel: Readonly<Record<TunnelErrorCode, readonly [code: number, says: RegExp]>> = {
    unreachable: [503, /tunnel is down: no tunnel server answers/],
    no_agent: [503, /tunnel is down: its agent is not connected/],
    dial_refused: [502, /API server refused/],
    dial_timeout: [504, /answered in time/],
    dial_failed: [502, /cannot dial the API server/],
    closed: [502, /tunnel broke/],
    protocol: [502, /out of turn/],
  };
  for (const [code, [want, says]] of Object.entries(ofTunnel)) {
    it(`answers ${want} for the tunnel's ${code}, with the hop`, () => {
      const cause = new TunnelError(code as TunnelErrorCode, "told by the tunnel");
      const error = new ProxyError("dial_failed", "Cannot dial", { cause });
      const status = statusOf(upstreamError(error, cluster, undefined), "g");
      assert.equal(status.code, want);
      assert.match(status.message ?? "", says);
      assert.match(status.message ?? "", /told by the tunnel/);
    });
  }

  it("says since when, and when to ask again", () => {
    const cause = new TunnelError("no_agent", "no agent");
    const error = new ProxyError("dial_failed", "Cannot dial", { cause });
    const since = new Date("2026-01-01T00:00:00Z");
    const status = statusOf(upstreamError(error, cluster, since), "g");
    assert.match(status.message ?? "", /\(since 2026-01-01T00:00:00.000Z\)/);
    assert.equal(status.details?.retryAfterSeconds, 5);
  });

  it("has clients try again at once only where that may help", () => {
    const down = new ProxyError("dial_failed", "Cannot dial", {
      cause: new TunnelError("no_agent", "no agent"),
    });
    const now = new Date("2026-01-01T00:01:00Z");
    const retryAfter = (error: ProxyError, since?: string) =>
      retryAfterOf(upstreamError(error, cluster, since ? new Date(since) : undefined, now));
    assert.equal(retryAfter(down, "2026-01-01T00:00:58Z"), 1);
    assert.equal(retryAfter(down, "2026-01-01T00:00:00Z"), undefined);
    assert.equal(retryAfter(new ProxyError("closed", "Transport was retired")), 1);
    assert.equal(retryAfter(new ProxyError("overloaded", "full"), "2026-01-01T00:00:00Z"), 1);
    assert.equal(retryAfter(new ProxyError("dial_failed", "refused")), undefined);
    assert.equal(retryAfterOf(new GatewayError("cluster_not_ready", "no token yet")), undefined);
  });
});

describe("isLongRunning()", () => {
  const cases: readonly (readonly [path: string, query: string, want: boolean])[] = [
    ["/api/v1/pods", "", false],
    ["/api/v1/pods", "?watch=true", true],
    ["/api/v1/pods", "?labelSelector=a&watch=1", true],
    ["/api/v1/pods", "?watch=false", false],
    ["/api/v1/namespaces/a/pods/b/log", "", true],
    ["/api/v1/namespaces/a/services/b/proxy/x", "", true],
    ["/api/v1/namespaces/a/pods/b/exec", "", true],
  ];
  for (const [path, query, want] of cases) {
    it(`${path}${query} ${want ? "is" : "is not"}`, () => {
      assert.equal(isLongRunning(path, query), want);
    });
  }
});

describe("managedRequestHeaders()", () => {
  it("sets the token of the cluster, the identity and what it was given", () => {
    const user = { name: "a", groups: [], extra: {} };
    const actor = { kind: "user", user, because: "" } as const;
    const policy = managedRequestHeaders({ kind: "token", token: "t" }, actor, ["audit-id", "i"]);
    const want = ["authorization", "Bearer t", "impersonate-user", "a", "audit-id", "i"];
    assert.deepEqual(policy.set, want);
  });

  it("sets the token that an account came with, and no other", () => {
    const actor = { kind: "pass", token: "own", because: "" } as const;
    const policy = managedRequestHeaders({ kind: "token", token: "t" }, actor, []);
    assert.deepEqual(policy.set, ["authorization", "Bearer own"]);
  });

  it("sets none beside a certificate", () => {
    const credential = { kind: "certificate", cert: "", key: "" } as const;
    assert.deepEqual(managedRequestHeaders(credential, account, []).set, []);
  });

  const protocols: Readonly<Record<string, string | undefined>> = {
    "v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.aHVi": "v5.channel.k8s.io",
    "BASE64URL.bearer.authorization.k8s.io.aHVi": undefined,
    "v4.channel.k8s.io,v5.channel.k8s.io": "v4.channel.k8s.io, v5.channel.k8s.io",
  };
  for (const [value, want] of Object.entries(protocols)) {
    it(`makes ${want ?? "nothing"} of the protocols ${value}`, () => {
      const { rewrite } = managedRequestHeaders({ kind: "token", token: "t" }, account, []);
      assert.equal(rewrite?.("sec-websocket-protocol", value), want);
    });
  }
});
