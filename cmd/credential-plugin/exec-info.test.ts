import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseExecInfo } from "./exec-info.ts";

const good = { server: "https://c1.example:6443", config: { clusterName: "c1" } };

function makeInfo(cluster: unknown, apiVersion = "client.authentication.k8s.io/v1"): string {
  return JSON.stringify({ apiVersion, kind: "ExecCredential", spec: { cluster } });
}

const refused: Readonly<Record<string, readonly [text: string | undefined, says: RegExp]>> = {
  "nothing at all": [undefined, /missing KUBERNETES_EXEC_INFO: .*kubectl/],
  "what is no JSON": ["{", /invalid KUBERNETES_EXEC_INFO/],
  "another kind": ['{"apiVersion":"v1","kind":"Secret"}', /no ExecCredential/],
  "an older version": [
    makeInfo(good, "client.authentication.k8s.io/v1beta1"),
    /apiVersion is .*v1beta1; set apiVersion: client\.authentication\.k8s\.io\/v1 /,
  ],
  "no cluster": [
    makeInfo(undefined),
    /missing ExecCredential\.Spec\.Cluster: .*provideClusterInfo/,
  ],
  "a blank server": [makeInfo({ ...good, server: " " }), /missing .*Cluster\.Server/],
  "a server called null": [makeInfo({ ...good, server: "null" }), /missing .*Cluster\.Server/],
  "a server without TLS": [
    makeInfo({ ...good, server: "http://c1" }),
    /http:\/\/c1: it needs https/,
  ],
  "a server that nobody verifies": [
    makeInfo({ ...good, "insecure-skip-tls-verify": true }),
    /refusing .* verified certificate/,
  ],
  "no configuration": [
    makeInfo({ server: good.server }),
    /missing ExecCredential\.Spec\.Cluster\.Conf/,
  ],
  "configuration of another form": [
    makeInfo({ ...good, config: "c1" }),
    /invalid .*Cluster\.Config/,
  ],
  "no name in it": [makeInfo({ ...good, config: {} }), /missing clusterName in .*Cluster\.Config/],
  "a name that leads elsewhere": [
    makeInfo({ ...good, config: { clusterName: "../secrets" } }),
    /invalid clusterName in .*"\.\.\/secrets"/,
  ],
};

describe("parseExecInfo()", () => {
  it("reads which cluster the client is about to talk to", () => {
    assert.deepEqual(parseExecInfo(makeInfo(good)), { clusterName: "c1" });
  });

  for (const [name, [text, says]] of Object.entries(refused)) {
    it(`refuses ${name}`, () => {
      assert.throws(() => parseExecInfo(text), { name: "PluginError", message: says });
    });
  }
});
