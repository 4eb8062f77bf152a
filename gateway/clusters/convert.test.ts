import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import * as fc from "fast-check";
import { type ManagedCluster, managedCluster, type Secret } from "#api";
import { makeAuthority, type TestPair } from "#testing";
import type { Cluster } from "./cluster.ts";
import { ConversionError, convertCluster, isNewer } from "./convert.ts";
import { secretSource } from "./secret-origin.ts";

let ca = "";
let pair: TestPair;
let otherPair: TestPair;
before(async () => {
  const authority = await makeAuthority();
  ca = authority.caPem.trim();
  [pair, otherPair] = await Promise.all([authority.client("a"), authority.client("b")]);
});

const credentialLabel = "cluster.core.oam.dev/cluster-credential-type";
const endpointLabel = "cluster.core.oam.dev/cluster-endpoint-type";

interface Given {
  readonly credential?: string;
  readonly endpoint?: string | undefined;
  readonly data?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A Secret of a cluster behind the tunnel; a test names only what it is about. */
function makeSecret({
  credential = "ServiceAccountToken",
  endpoint = "ClusterProxy",
  data = { "ca.crt": ca, token: "t" },
  annotations = {},
}: Given): Secret {
  const encoded = Object.entries(data).map(([key, value]) => [
    key,
    Buffer.from(value).toString("base64"),
  ]);
  return {
    metadata: {
      name: "managed1",
      resourceVersion: "7",
      creationTimestamp: "2026-01-01T00:00:00Z",
      labels: {
        [credentialLabel]: credential,
        ...(endpoint === "" ? {} : { [endpointLabel]: endpoint }),
      },
      annotations,
    },
    data: Object.fromEntries(encoded),
  };
}

function makeManagedCluster(url: string, caBundle?: string): ManagedCluster {
  return managedCluster.parse({
    metadata: { name: "managed1", resourceVersion: "10" },
    spec: {
      managedClusterClientConfigs: [
        { url, caBundle: caBundle && Buffer.from(caBundle).toString("base64") },
      ],
    },
  });
}

interface Case {
  readonly given: () => Given;
  readonly managed?: () => ManagedCluster;
  readonly want: (cluster: Cluster) => unknown;
  readonly is: unknown;
}

const cases: Readonly<Record<string, Case>> = {
  "takes token and CA": {
    given: () => ({}),
    want: ({ credential, endpoint }) => [credential, endpoint.kind, endpoint.ca === ca],
    is: [{ kind: "token", token: "t" }, "tunnel", true],
  },
  "takes an endpoint without label for Const, and a newline off its address": {
    given: () => ({ endpoint: "", data: { endpoint: "https://a:6443\n", ca, token: "t" } }),
    want: ({ endpoint }) => endpoint.kind === "const" && [endpoint.url.href, endpoint.isInsecure],
    is: ["https://a:6443/", false],
  },
  "is insecure only without any key for a CA": {
    given: () => ({ endpoint: "Const", data: { endpoint: "https://a", token: "t" } }),
    want: ({ endpoint }) => endpoint.kind === "const" && [endpoint.ca, endpoint.isInsecure],
    is: [undefined, true],
  },
  "takes an empty CA for the system's, not for insecure": {
    given: () => ({ endpoint: "Const", data: { endpoint: "https://a", "ca.crt": "", token: "t" } }),
    want: ({ endpoint }) => endpoint.kind === "const" && [endpoint.ca, endpoint.isInsecure],
    is: [undefined, false],
  },
  "prefers address and CA of the ManagedCluster": {
    given: () => ({ endpoint: "Const" }),
    managed: () => makeManagedCluster("https://b:6443/base", ca),
    want: ({ endpoint }) => endpoint.kind === "const" && [endpoint.url.href, endpoint.ca === ca],
    is: ["https://b:6443/base", true],
  },
  "is never insecure for a ManagedCluster": {
    given: () => ({ endpoint: "Const" }),
    managed: () => makeManagedCluster("https://b:6443"),
    want: ({ endpoint }) => endpoint.kind === "const" && endpoint.isInsecure,
    is: false,
  },
  "takes a forward proxy": {
    given: () => ({
      endpoint: "Const",
      data: { endpoint: "https://a", ca, token: "t", "proxy-url": "http://ann:pw@proxy:3128" },
    }),
    want: ({ endpoint }) => endpoint.kind === "const" && endpoint.proxyUrl?.host,
    is: "proxy:3128",
  },
  "takes a certificate with its key": {
    given: () => ({
      credential: "X509Certificate",
      data: { "ca.crt": ca, "tls.crt": pair.cert, "tls.key": pair.key },
    }),
    want: ({ credential, credentialType }) => [credential.kind, credentialType],
    is: ["certificate", "X509Certificate"],
  },
  "reads what a prober wrote": {
    given: () => ({
      annotations: {
        "status.cluster.core.oam.dev/healthy": "True",
        "status.cluster.core.oam.dev/healthy-reason": "fine",
      },
    }),
    want: ({ isHealthy, healthyReason }) => [isHealthy, healthyReason],
    is: [true, "fine"],
  },
};

const execOf = (exec: unknown) => () => ({
  credential: "Dynamic",
  data: { "ca.crt": ca, exec: typeof exec === "string" ? exec : JSON.stringify(exec) },
});
const v1 = "client.authentication.k8s.io/v1";

const faults: Readonly<Record<string, readonly [given: () => Given, message: RegExp]>> = {
  "an unknown kind of credential": [() => ({ credential: "Magic" }), /"Magic": expected/],
  "an unknown kind of endpoint": [() => ({ endpoint: "Magic" }), /"Magic": expected/],
  "a tunnel without CA": [
    () => ({ data: { token: "t" } }),
    /ca.crt is missing: through the tunnel/,
  ],
  "a tunnel with an empty CA": [
    () => ({ data: { "ca.crt": "", token: "t" } }),
    /ca.crt is missing/,
  ],
  "a CA that is none": [() => ({ data: { "ca.crt": "x", token: "t" } }), /no certificate/],
  "a missing token": [() => ({ data: { "ca.crt": ca } }), /it has no token/],
  "a token with a line break": [
    () => ({ data: { "ca.crt": ca, token: "a\r\nX-Remote-User: root" } }),
    /character that no token has/,
  ],
  "a missing address": [() => ({ endpoint: "Const", data: { token: "t" } }), /endpoint is missing/],
  "an address that is none": [
    () => ({ endpoint: "Const", data: { endpoint: "file:///etc", token: "t" } }),
    /not an http or https URL/,
  ],
  "a forward proxy of another kind": [
    () => ({ endpoint: "Const", data: { token: "t", "proxy-url": "ftp://ann:pw@proxy" } }),
    /^proxy-url is not an http, https or socks5 URL$/,
  ],
  "a command that is missing": [execOf(""), /key exec is missing/],
  "a command that is no JSON": [
    execOf("SECRET"),
    /^key exec is not the JSON of an exec credential/,
  ],
  "a command of another version": [execOf({ apiVersion: "v1", command: "x" }), /key exec is not/],
  "a command without a name": [execOf({ apiVersion: v1, command: "" }), /key exec is not/],
  "a variable that would be two": [
    execOf({ apiVersion: v1, command: "x", env: [{ name: "A=B", value: "c" }] }),
    /key exec is not/,
  ],
  "a certificate without its key": [
    () => ({ credential: "X509Certificate", data: { "ca.crt": ca, "tls.crt": pair.cert } }),
    /tls.key is missing/,
  ],
  "a certificate with another's key": [
    () => ({
      credential: "X509Certificate",
      data: { "ca.crt": ca, "tls.crt": pair.cert, "tls.key": otherPair.key },
    }),
    /do not belong together/,
  ],
};

const converted = (secret: Secret, managed?: ManagedCluster) =>
  convertCluster(secretSource(secret, managed));

describe("convertCluster()", () => {
  for (const [name, { given, managed, want, is }] of Object.entries(cases)) {
    it(name, () => {
      assert.deepEqual(want(converted(makeSecret(given()), managed?.())), is);
    });
  }
  for (const [name, [given, message]] of Object.entries(faults)) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => converted(makeSecret(given())),
        (error) => error instanceof ConversionError && message.test(error.message),
      );
    });
  }

  it("reads the command of a Dynamic credential, and runs nothing", () => {
    const secret = makeSecret(execOf({ apiVersion: v1, command: "x", args: ["y"] })());
    assert.deepEqual(converted(secret).credential, {
      kind: "exec",
      exec: { apiVersion: v1, command: "x", args: ["y"], env: [] },
    });
  });

  it("ends for every Secret in a cluster or a ConversionError that quotes none of it", () => {
    const marker = "S3CR3T";
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom("", ca, "https://a:6443", "{}", "-----BEGIN CERTIFICATE-----"),
      fc.string().map((rest) => `${marker}${rest}`),
      fc.json(),
    );
    const keys = ["endpoint", "ca.crt", "ca", "token", "tls.crt", "tls.key", "proxy-url", "exec"];
    const data = fc.dictionary(fc.constantFrom(...keys), text);
    const type = fc.constantFrom("ServiceAccountToken", "X509Certificate", "Dynamic", "Magic");
    const endpoint = fc.constantFrom("Const", "ClusterProxy", "Magic", "");
    const annotations = fc.dictionary(
      fc.constantFrom("status.cluster.core.oam.dev/healthy", "x"),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.record({ credential: type, endpoint, data, annotations }), (given) => {
        try {
          converted(makeSecret(given));
        } catch (error) {
          assert.ok(error instanceof ConversionError, String(error));
          assert.doesNotMatch(error.message, /S3CR3T/);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("takes bytes that are no text, and base64 that is none, for what they are", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.boolean(), (bytes, isBase64) => {
        const raw = Buffer.from(bytes).toString(isBase64 ? "base64" : "latin1");
        const secret = makeSecret({});
        for (const key of ["ca.crt", "token"]) {
          try {
            converted({ ...secret, data: { ...secret.data, [key]: raw } });
          } catch (error) {
            assert.ok(error instanceof ConversionError, String(error));
          }
        }
      }),
    );
  });

  it("wants new connections for a new CA or certificate, and not for a new token", () => {
    const fingerprint = (given: Given) => converted(makeSecret(given)).connectionFingerprint;
    const first = fingerprint({});
    assert.equal(fingerprint({ data: { "ca.crt": ca, token: "other" } }), first);
    assert.notEqual(fingerprint({ data: { "ca.crt": `${ca}\n${ca}`, token: "t" } }), first);
    const certificate = (given: TestPair) => ({
      credential: "X509Certificate",
      data: { "ca.crt": ca, "tls.crt": given.cert, "tls.key": given.key },
    });
    assert.notEqual(fingerprint(certificate(pair)), fingerprint(certificate(otherPair)));
  });
});

describe("isNewer()", () => {
  it("compares numbers, not texts", () => {
    assert.deepEqual(
      [
        isNewer("10", "9"),
        isNewer("9", "10"),
        isNewer("9", "9"),
        isNewer("9", ""),
        isNewer("", ""),
      ],
      [true, false, false, true, false],
    );
  });
});
