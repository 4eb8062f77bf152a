import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import * as fc from "fast-check";
import type { Secret } from "#api";
import { makeAuthority, type TestPair } from "#testing";
import { convertCluster } from "../clusters/convert.ts";
import { secretSource } from "../clusters/secret-origin.ts";
import { clusterGatewayOf } from "./cluster-gateway.ts";
import { readInput } from "./cluster-gateway-input.ts";
import { missingFrom, secretContentOf, withoutCredentials } from "./secret-of.ts";

let ca = "";
let pair: TestPair;
let otherPair: TestPair;
before(async () => {
  const authority = await makeAuthority();
  ca = base64(authority.caPem);
  [pair, otherPair] = await Promise.all([authority.client("a"), authority.client("b")]);
});

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

/** A ClusterGateway as a client sends it; a test names only what it is about. */
function makeBody(access: Readonly<Record<string, unknown>> = {}, rest = {}) {
  return {
    apiVersion: "cluster.core.oam.dev/v1alpha1",
    kind: "ClusterGateway",
    metadata: { name: "a" },
    spec: {
      access: {
        endpoint: { type: "Const", const: { address: "https://a:6443", caBundle: ca } },
        credential: { type: "ServiceAccountToken", serviceAccountToken: "t" },
        ...access,
      },
    },
    ...rest,
  };
}

const endpoint = (at: Readonly<Record<string, unknown>>) => ({
  endpoint: { type: "Const", const: { address: "https://a", ...at } },
});

describe("readInput()", () => {
  it("takes what is right", () => {
    assert.deepEqual(readInput(makeBody()).faults, []);
    const behindTunnel = { endpoint: { type: "ClusterProxy", clusterProxy: { caBundle: ca } } };
    assert.deepEqual(readInput(makeBody(behindTunnel)).faults, []);
    const { cert, key } = pair;
    const x509 = { certificate: base64(cert), privateKey: base64(key) };
    const credential = { type: "X509Certificate", x509 };
    assert.deepEqual(readInput(makeBody({ credential })).faults, []);
  });

  it("names fields that do not exist, and leaves them out", () => {
    const body = makeBody(endpoint({ port: 1 }), { extra: 1 });
    const { input, unknownFields } = readInput(body);
    assert.deepEqual(unknownFields.toSorted(), ["extra", "spec.access.endpoint.const.port"]);
    assert.equal(input?.spec.access.endpoint.const?.address, "https://a");
  });

  const cases: Readonly<Record<string, readonly [() => unknown, reason: string, field: string]>> = {
    "no endpoint": [
      () => makeBody({ endpoint: undefined }),
      "FieldValueRequired",
      "spec.access.endpoint",
    ],
    "an unknown type of endpoint": [
      () => makeBody({ endpoint: { type: "Magic" } }),
      "FieldValueNotSupported",
      "spec.access.endpoint.type",
    ],
    "Const without its settings": [
      () => makeBody({ endpoint: { type: "Const" } }),
      "FieldValueRequired",
      "spec.access.endpoint.const",
    ],
    "settings of the other type": [
      () => makeBody({ endpoint: { type: "ClusterProxy", const: { address: "https://a" } } }),
      "FieldValueForbidden",
      "spec.access.endpoint.const",
    ],
    "an address without TLS": [
      () => makeBody(endpoint({ address: "http://a" })),
      "FieldValueInvalid",
      "spec.access.endpoint.const.address",
    ],
    "a forward proxy that is none": [
      () => makeBody(endpoint({ "proxy-url": "ftp://a" })),
      "FieldValueInvalid",
      "spec.access.endpoint.const.proxy-url",
    ],
    "a CA that is none": [
      () => makeBody(endpoint({ caBundle: "YQ==" })),
      "FieldValueInvalid",
      "spec.access.endpoint.const.caBundle",
    ],
    "a CA that is not to be looked at": [
      () => makeBody(endpoint({ caBundle: ca, insecure: true })),
      "FieldValueInvalid",
      "spec.access.endpoint.const.insecure",
    ],
    "a token that would write header fields": [
      () =>
        makeBody({ credential: { type: "ServiceAccountToken", serviceAccountToken: "a\r\nb" } }),
      "FieldValueInvalid",
      "spec.access.credential.serviceAccountToken",
    ],
    "a key of another certificate": [
      () => {
        const x509 = { certificate: base64(pair.cert), privateKey: base64(otherPair.key) };
        return makeBody({ credential: { type: "X509Certificate", x509 } });
      },
      "FieldValueInvalid",
      "spec.access.credential.x509",
    ],
    "a token of another type of credential": [
      () => makeBody({ credential: { type: "X509Certificate", serviceAccountToken: "t" } }),
      "FieldValueForbidden",
      "spec.access.credential.serviceAccountToken",
    ],
    "owners, which would be the Secret's": [
      () => makeBody({}, { metadata: { name: "a", ownerReferences: [{}] } }),
      "FieldValueForbidden",
      "metadata.ownerReferences",
    ],
    "another kind": [() => makeBody({}, { kind: "Pod" }), "FieldValueInvalid", "kind"],
  };
  for (const [name, [body, reason, field]] of Object.entries(cases)) {
    it(`refuses ${name}`, () => {
      const { input, faults } = readInput(body());
      assert.equal(input, undefined);
      assert.deepEqual(
        faults.map((fault) => [fault.reason, fault.field]),
        [[reason, field]],
      );
    });
  }

  it("takes a spec that is shown so, since it was taken before", () => {
    const secret = makeSecret({ endpoint: "http://a", token: "t" });
    const shown = shownOf(secret);
    assert.equal(readInput(shown).input, undefined);
    assert.deepEqual(readInput(shown, shown).faults, []);
  });

  it("never throws, whatever is sent", () => {
    fc.assert(fc.property(fc.jsonValue(), (body) => void readInput(body)));
  });
});

function shownOf(secret: Secret) {
  const source = secretSource(secret, undefined);
  return clusterGatewayOf(source, convertCluster(source));
}

function makeSecret(data: Readonly<Record<string, string>>, type = "Const"): Secret {
  const encoded = Object.entries(data).map(([key, value]) => [key, base64(value)]);
  return {
    metadata: {
      name: "a",
      labels: {
        "cluster.core.oam.dev/cluster-credential-type": "ServiceAccountToken",
        "cluster.core.oam.dev/cluster-endpoint-type": type,
      },
    },
    data: Object.fromEntries(encoded),
  };
}

describe("secretContentOf()", () => {
  const contentOf = (body: unknown, present?: Secret) => {
    const { input, faults } = readInput(body);
    assert.deepEqual(faults, []);
    assert.ok(input);
    return secretContentOf(input, present);
  };

  it("writes what upstream reads, so that it shows the same again", () => {
    const { labels, annotations, data } = contentOf(makeBody());
    const secret = { metadata: { name: "a", labels, annotations }, data };
    const shown = shownOf(secret);
    assert.deepEqual(shown.spec.access.endpoint.const?.address, "https://a:6443");
    assert.deepEqual(missingFrom({ labels, annotations, data }), []);
  });

  it("takes no CA for the system's, and insecure for no key at all", () => {
    assert.equal(contentOf(makeBody(endpoint({}))).data["ca.crt"], "");
    assert.equal(contentOf(makeBody(endpoint({ insecure: true }))).data["ca.crt"], undefined);
  });

  it("keeps a credential that is not sent, but not one of another type", () => {
    const present = makeSecret({ endpoint: "https://a", "ca.crt": "", token: "kept", own: "x" });
    const same = contentOf(makeBody({ credential: { type: "ServiceAccountToken" } }), present);
    assert.deepEqual([same.data["token"], same.data["own"]], [base64("kept"), base64("x")]);
    const other = contentOf(makeBody({ credential: { type: "X509Certificate" } }), present);
    assert.equal(other.data["token"], undefined);
    assert.deepEqual(
      missingFrom(other).map(({ field }) => field),
      ["spec.access.credential.x509"],
    );
  });

  it("keeps the password of a URL that comes back without it", () => {
    const present = makeSecret({ endpoint: "https://a:6443", "proxy-url": "http://ann:pw@p:3128" });
    const at = { address: "https://a:6443", "proxy-url": "http://p:3128" };
    const { data } = contentOf(makeBody(endpoint(at)), present);
    assert.match(Buffer.from(data["proxy-url"] ?? "", "base64").toString(), /ann:pw@p:3128/);
    const moved = contentOf(makeBody(endpoint({ ...at, "proxy-url": "http://q:3128" })), present);
    assert.equal(moved.data["proxy-url"], base64("http://q:3128"));
  });

  it("remembers what was applied without credentials in it", () => {
    const key = "kubectl.kubernetes.io/last-applied-configuration";
    const annotations = { [key]: JSON.stringify(makeBody()) };
    const { annotations: kept } = contentOf(makeBody({}, { metadata: { name: "a", annotations } }));
    assert.deepEqual(Object.keys(kept), ["cluster.core.oam.dev/last-applied-configuration"]);
    assert.doesNotMatch(JSON.stringify(kept), /serviceAccountToken/);
    assert.equal(withoutCredentials("no JSON: secret"), "{}\n");
  });
});
