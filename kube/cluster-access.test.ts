import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it, mock } from "node:test";
import { loadClusterAccess } from "./cluster-access.ts";
import { podKubeconfig, readPlainKubeconfig } from "./plain-kubeconfig.ts";

function makeKubeconfig(cluster: object, user: object, context: object = {}): string {
  const name = "only";
  return JSON.stringify({
    clusters: [{ name, cluster: { server: "https://api.example:6443/", ...cluster } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name, ...context } }],
    "current-context": name,
  });
}

const nothing = {
  server: "https://api.example:6443",
  namespace: undefined,
  serverName: undefined,
  ca: undefined,
  certificate: undefined,
  key: undefined,
  token: undefined,
};
const inline = (text: string) => ({ kind: "inline", data: Buffer.from(text) });
const file = (path: string) => ({ kind: "file", path });
const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("readPlainKubeconfig()", () => {
  const read: Readonly<Record<string, readonly [text: string, want: object]>> = {
    "reads data": [
      makeKubeconfig(
        { "certificate-authority-data": base64("ca"), "tls-server-name": "n" },
        { "client-certificate-data": base64("crt"), "client-key-data": base64("key") },
        { namespace: "ns" },
      ),
      {
        ...nothing,
        namespace: "ns",
        serverName: "n",
        ca: inline("ca"),
        certificate: inline("crt"),
        key: inline("key"),
      },
    ],
    "reads files, beside the kubeconfig unless absolute": [
      makeKubeconfig(
        { "certificate-authority": "/pki/ca.crt" },
        { "client-certificate": "tls.crt", "client-key": "tls.key" },
      ),
      {
        ...nothing,
        ca: file("/pki/ca.crt"),
        certificate: file("/etc/hub/tls.crt"),
        key: file("/etc/hub/tls.key"),
      },
    ],
    "prefers the token that is renewed": [
      makeKubeconfig({}, { token: "old", tokenFile: "/run/token" }),
      { ...nothing, token: file("/run/token") },
    ],
    "reads a token": [makeKubeconfig({}, { token: "t" }), { ...nothing, token: inline("t") }],
  };
  for (const [name, [text, want]] of Object.entries(read)) {
    it(name, () => assert.deepEqual(readPlainKubeconfig(text, "/etc/hub"), want));
  }

  it("reads the context that is named, and none in place of one that is missing", () => {
    const text = JSON.stringify({
      clusters: ["hub", "other"].map((name) => ({ name, cluster: { server: `https://${name}` } })),
      users: [{ name: "me", user: { token: "t" } }],
      contexts: ["hub", "other"].map((name) => ({ name, context: { cluster: name, user: "me" } })),
      "current-context": "other",
    });
    assert.equal(readPlainKubeconfig(text, "/")?.server, "https://other");
    assert.equal(readPlainKubeconfig(text, "/", "hub")?.server, "https://hub");
    assert.equal(readPlainKubeconfig(text, "/", "nowhere"), undefined);
  });

  const left: Readonly<Record<string, string>> = {
    "a plugin": makeKubeconfig({}, { exec: { command: "x" } }),
    "a password": makeKubeconfig({}, { username: "u", password: "p" }),
    "a proxy": makeKubeconfig({ "proxy-url": "http://p" }, {}),
    "unverified TLS": makeKubeconfig({ "insecure-skip-tls-verify": true }, {}),
    impersonation: makeKubeconfig({}, { as: "root" }),
    "no context": "{}",
    "no YAML": "{",
    nothing: "",
  };
  for (const [name, text] of Object.entries(left)) {
    it(`leaves ${name} to the library`, () => {
      assert.equal(readPlainKubeconfig(text, "/etc/hub"), undefined);
    });
  }
});

describe("podKubeconfig()", () => {
  it("finds the API server of a pod, also on IPv6", () => {
    const at = (host: string) =>
      podKubeconfig({ KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: "443" }, "ns");
    assert.equal(at("10.0.0.1")?.server, "https://10.0.0.1:443");
    assert.equal(at("fd00::1")?.server, "https://[fd00::1]:443");
    assert.equal(at("10.0.0.1")?.namespace, "ns");
  });

  it("knows when there is no pod", () => assert.equal(podKubeconfig({}, undefined), undefined));
});

describe("loadClusterAccess()", () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "access-"));
  });
  after(async () => {
    await rm(directory, { recursive: true });
  });

  const write = async (name: string, text: string): Promise<string> => {
    const path = join(directory, name);
    await writeFile(path, text);
    return path;
  };

  it("follows files that are exchanged, and survives one that is missing", async () => {
    let nowMs = 0;
    const clock = mock.method(performance, "now", () => nowMs);
    try {
      const user = { "client-certificate": "tls.crt", "client-key": "tls.key", tokenFile: "token" };
      await write("tls.crt", "crt-1");
      await write("tls.key", "key-1");
      const tokenPath = await write("token", "token-1\n");
      const kubeconfig = await write("kubeconfig", makeKubeconfig({}, user));
      const access = await loadClusterAccess({ kubeconfig });
      const seen = async () => {
        nowMs += 5_001;
        const { cert, key, headers } = await access.requestOptions();
        const { Authorization } = headers as Record<string, string>;
        return [...[cert, key].map((part) => (part as Buffer).toString()), Authorization];
      };
      assert.deepEqual(await seen(), ["crt-1", "key-1", "Bearer token-1"]);
      await write("tls.crt", "crt-2");
      await write("tls.key", "key-2");
      await write("token", "token-2");
      assert.deepEqual(await seen(), ["crt-2", "key-2", "Bearer token-2"]);
      await rm(tokenPath);
      await write("tls.crt", "crt-3");
      assert.deepEqual(await seen(), ["crt-2", "key-2", "Bearer token-2"]);
    } finally {
      clock.mock.restore();
    }
  });

  it("knows the certificate authority", async () => {
    const cluster = { "certificate-authority-data": base64("ca") };
    const kubeconfig = await write("with-ca", makeKubeconfig(cluster, { token: "t" }));
    const access = await loadClusterAccess({ kubeconfig });
    assert.equal(String(await access.caBundle()), "ca");
  });

  it("leaves to the library what it does not read itself", async () => {
    const cluster = { "certificate-authority-data": base64("ca") };
    const user = { token: "t", as: "alice" };
    const kubeconfig = await write("as", makeKubeconfig(cluster, user, { namespace: "ns" }));
    const access = await loadClusterAccess({ kubeconfig });
    assert.deepEqual([access.server, access.namespace], ["https://api.example:6443", "ns"]);
    assert.equal(String(await access.caBundle()), "ca");
    const { headers } = await access.requestOptions();
    assert.equal((headers as Record<string, string>)["Impersonate-User"], "alice");
  });

  it("says what is wrong with a kubeconfig that names no cluster", async () => {
    const kubeconfig = await write("empty", "{}");
    await assert.rejects(loadClusterAccess({ kubeconfig }), /names no cluster/);
    await assert.rejects(loadClusterAccess({ kubeconfig: `${kubeconfig}-not` }), /ENOENT/);
  });
});
