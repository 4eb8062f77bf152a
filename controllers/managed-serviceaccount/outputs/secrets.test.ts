import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parse } from "yaml";
import type { Secret } from "#api";
import { requestsOf, secretFor } from "./desired.ts";
import { makeAccount, makeToken } from "./make-snapshot.ts";
import type { Reach } from "./reach.ts";
import { readToken } from "./token-content.ts";

const reach: Reach = { server: "https://gw/proxy", caData: "Q0E=", tlsServerName: "gw.svc" };

function make(outputs: unknown, to: Reach = reach, token = "a.b.c"): Secret {
  const account = makeAccount(outputs);
  const [request] = requestsOf(account);
  assert.ok(request);
  return secretFor(account, request, to, makeToken(token));
}

const contentOf = ({ data = {} }: Secret) =>
  Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]),
  );

describe("the Secret of a kubeconfig", () => {
  it("holds one context with all that kubectl needs", () => {
    const secret = make({ kubeconfig: { contextNamespace: "team" } });
    assert.deepEqual(parse(contentOf(secret)["kubeconfig"] ?? ""), {
      apiVersion: "v1",
      kind: "Config",
      preferences: {},
      "current-context": "managed1",
      clusters: [
        {
          name: "managed1",
          cluster: {
            server: "https://gw/proxy",
            "certificate-authority-data": "Q0E=",
            "tls-server-name": "gw.svc",
          },
        },
      ],
      users: [{ name: "ci", user: { token: "a.b.c" } }],
      contexts: [
        { name: "managed1", context: { cluster: "managed1", user: "ci", namespace: "team" } },
      ],
    });
  });

  it("never turns verification off where no authority is known", () => {
    const text = contentOf(make({ kubeconfig: {} }, { server: "https://api" }))["kubeconfig"] ?? "";
    const { clusters } = parse(text) as { clusters: unknown };
    assert.deepEqual(clusters, [{ name: "managed1", cluster: { server: "https://api" } }]);
  });

  it("keeps a long token on one line", () => {
    const token = `${"x".repeat(900)}.${"y".repeat(900)}.z`;
    const text = contentOf(make({ kubeconfig: {} }, reach, token))["kubeconfig"] ?? "";
    assert.ok(text.split("\n").some((line) => line.endsWith(`token: ${token}`)));
  });

  it("goes with the account in its own namespace, and is known as its own elsewhere", () => {
    const own = make({ kubeconfig: {} }).metadata;
    assert.deepEqual(
      own.ownerReferences?.map(({ kind, uid }) => [kind, uid]),
      [["ManagedServiceAccount", "uid-ci"]],
    );
    const away = make({ kubeconfig: { namespace: "team" } }).metadata;
    assert.equal(away.ownerReferences, undefined);
    for (const { annotations } of [own, away]) {
      const of = annotations?.["authentication.open-cluster-management.io/output-of"];
      assert.equal(of, "managed1/ci");
    }
  });
});

describe("the Secret of an Argo CD cluster", () => {
  it("has the label, the keys and the config that Argo CD reads", () => {
    const secret = make({
      argocd: {
        namespace: "argocd",
        clusterName: "one",
        project: "team",
        labels: { env: "prod" },
        namespaces: ["a", "b"],
        clusterResources: true,
      },
    });
    assert.equal(secret.metadata.labels?.["argocd.argoproj.io/secret-type"], "cluster");
    assert.equal(secret.metadata.labels["env"], "prod");
    const { config = "", ...rest } = contentOf(secret);
    assert.deepEqual(rest, {
      name: "one",
      server: "https://gw/proxy",
      project: "team",
      namespaces: "a,b",
      clusterResources: "true",
    });
    assert.deepEqual(JSON.parse(config), {
      bearerToken: "a.b.c",
      tlsClientConfig: { insecure: false, caData: "Q0E=", serverName: "gw.svc" },
    });
  });

  it("has no more than was asked for", () => {
    const { config = "", ...rest } = contentOf(
      make({ argocd: { namespace: "argocd" } }, { server: "https://api" }),
    );
    assert.deepEqual(rest, { name: "managed1", server: "https://api" });
    assert.deepEqual(JSON.parse(config).tlsClientConfig, { insecure: false });
  });

  it("does not let labels of the spec speak for the controller", () => {
    const labels = {
      "argocd.argoproj.io/secret-type": "repository",
      "authentication.open-cluster-management.io/output": "kubeconfig",
    };
    assert.deepEqual(make({ argocd: { namespace: "argocd", labels } }).metadata.labels, {
      "argocd.argoproj.io/secret-type": "cluster",
      "authentication.open-cluster-management.io/output": "argocd",
      "app.kubernetes.io/managed-by": "spokeway",
    });
  });
});

describe("readToken()", () => {
  const payload = (claims: unknown) => Buffer.from(JSON.stringify(claims)).toString("base64url");
  const secret = (token: string): Secret => ({
    metadata: { name: "ci" },
    data: { token: Buffer.from(token).toString("base64") },
  });

  it("reads a token and when it expires", () => {
    const text = `h.${payload({ sub: "s", exp: 10 })}.s`;
    assert.deepEqual(readToken(secret(`${text}\n`)), { text, expiresAtMs: 10_000 });
  });

  const unusable = {
    "no Secret": undefined,
    "an empty token": secret(""),
    "no token of the kind": secret("scribble"),
    "a token without an end": secret(`h.${payload({ sub: "s" })}.s`),
    "a token with a line break": secret(`h.${payload({ sub: "s", exp: 10 })}.s\r\nX: y`),
  };
  for (const [name, given] of Object.entries(unusable)) {
    it(`finds none in ${name}`, () => {
      assert.equal(readToken(given), undefined);
    });
  }
});
