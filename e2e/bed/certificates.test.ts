import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { certificateArguments, clusterCertificates } from "./certificates.ts";
import { planFullCluster } from "./full/addresses.ts";
import { bedFiles } from "./full/layout.ts";

const plan = planFullCluster("hub", 0, bedFiles("/checkout/.bed"));

describe("clusterCertificates()", () => {
  it("names the API server by all the ways that lead to it", () => {
    const apiServer = clusterCertificates(plan).find(({ name }) => name === "apiserver");
    assert.deepEqual(apiServer?.names, [
      "DNS:kubernetes",
      "DNS:kubernetes.default",
      "DNS:kubernetes.default.svc",
      "DNS:kubernetes.default.svc.cluster.local",
      "DNS:localhost",
      "IP:127.0.0.1",
      "IP:172.30.0.2",
      "IP:172.30.2.1",
    ]);
  });

  it("makes the kubelet a node, by its certificate", () => {
    const kubelet = clusterCertificates(plan).find(({ name }) => name === "kubelet");
    assert.equal(kubelet?.commonName, "system:node:hub");
    assert.deepEqual(kubelet.groups, ["system:nodes"]);
  });

  it("signs the front proxy by an authority that signs nobody else", () => {
    const signed = clusterCertificates(plan).filter(
      ({ authority }) => authority === "front-proxy-ca",
    );
    assert.deepEqual(
      signed.map(({ commonName }) => commonName),
      ["front-proxy-client"],
    );
  });

  it("makes none for a kubelet where there is no node", () => {
    const names = clusterCertificates({ ...plan, node: undefined }).map(({ name }) => name);
    assert.deepEqual(names, ["apiserver", "admin", "front-proxy", "controller-manager"]);
  });
});

describe("certificateArguments()", () => {
  const argv = certificateArguments("/pki", {
    name: "alice",
    authority: "ca",
    commonName: "alice",
    groups: ["devs", "ops"],
  });

  it("writes each group as an organization of the subject", () => {
    assert.equal(argv[argv.indexOf("-subj") + 1], "/O=devs/O=ops/CN=alice");
  });

  it("signs with the authority's own key, and makes no further authority", () => {
    assert.equal(argv[argv.indexOf("-CAkey") + 1], "/pki/ca.key");
    assert.ok(argv.includes("basicConstraints=critical,CA:FALSE"));
  });

  it("leaves alternative names away where there are none", () => {
    assert.ok(!argv.some((argument) => argument.startsWith("subjectAltName")));
  });
});
