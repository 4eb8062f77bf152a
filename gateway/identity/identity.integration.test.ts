import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { connect as connectH2, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { connect } from "node:tls";
import { clusterSecretAnnotations } from "#api";
import { waitFor } from "#bed";
import { makeAuthority, startUpstream, type TestAuthority, type TestUpstream } from "#testing";
import { GatewayBed } from "../gateway-bed.ts";
import { accountNamespace, secretNamespace } from "../under-test/gateway-bed-manifests.ts";
import { Issuer } from "../under-test/issuer.ts";
import { smugglingCorpus } from "../under-test/smuggling-corpus.ts";
import { type IdentitySettings, parseSettings } from "./configuration.ts";

const account = `system:serviceaccount:${accountNamespace}:cluster-gateway`;

/** What the controller's ManifestWork brings for the policy of these tests. */
const impersonator = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: impersonator}
rules:
- {apiGroups: [""], resources: [users], verbs: [impersonate]}
- {apiGroups: [""], resources: [groups], resourceNames: [devs], verbs: [impersonate]}
- {apiGroups: [authentication.k8s.io], resources: [uids], verbs: [impersonate]}
- {apiGroups: [authentication.k8s.io], resources: [userextras/scopes], verbs: [impersonate]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: impersonator}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: impersonator}
subjects: [{kind: ServiceAccount, name: cluster-gateway, namespace: ${accountNamespace}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: impersonator, namespace: default}
rules:
- {apiGroups: [""], resources: [serviceaccounts], resourceNames: [deployer], verbs: [impersonate]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: impersonator, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: impersonator}
subjects: [{kind: ServiceAccount, name: cluster-gateway, namespace: ${accountNamespace}}]
`;

/** Everybody may reach managed1; alice may impersonate carol, and read pods of the hub. */
const hubRights = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: managed1}
rules:
- {apiGroups: [cluster.core.oam.dev], resources: [clustergateways/proxy], resourceNames: [managed1, mirror], verbs: ["*"]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: managed1}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: managed1}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:authenticated"}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: as-carol}
rules:
- {apiGroups: [""], resources: [users], resourceNames: [carol], verbs: [impersonate]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: as-carol}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: as-carol}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: alice}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: bot, namespace: default}
`;

const settingsOf = (spec: object): IdentitySettings =>
  parseSettings(JSON.stringify({ spec }), "Shared", "the file");
const impersonate = settingsOf({
  identity: { mode: "Impersonate", groups: ["devs"], extras: ["scopes"] },
});

interface Whoami {
  readonly username: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

describe("identity on a managed cluster", { timeout: 300_000 }, () => {
  let bed: GatewayBed;
  let authority: TestAuthority;
  let settings = settingsOf({});
  let issuer: Issuer;

  before(async () => {
    authority = await makeAuthority("gateway-ca");
    issuer = await Issuer.start(await authority.server("localhost"));
    bed = await GatewayBed.start();
    await bed.startGateway(authority, {
      identity: () => settings,
      oidc: {
        issuerUrl: issuer.url,
        clientId: "hub",
        usernameClaim: "email",
        groupsClaim: "groups",
        algorithms: ["ES256"],
      },
      oidcCa: () => Buffer.from(authority.caPem),
    });
    await bed.managed.apply(impersonator);
    await bed.hub.apply(hubRights);
    await bed.writeCluster("managed1", "Const", {
      endpoint: bed.managed.server,
      "ca.crt": await bed.managedCa(),
      token: await bed.token(),
    });
  });
  after(async () => {
    await bed[Symbol.asyncDispose]();
    await issuer[Symbol.asyncDispose]();
  });

  /** A TLS connection to the gateway's own port, as alice. */
  const connectAsAlice = async (ALPNProtocols: readonly string[]) => {
    const pki = (suffix: string) => readFile(`${bed.hub.pkiDirectory}/client-alice.${suffix}`);
    const [cert, key] = await Promise.all([pki("crt"), pki("key")]);
    const to = { port: bed.port, host: "127.0.0.1", servername: "localhost", ca: authority.caPem };
    const socket = connect({ ...to, cert, key, ALPNProtocols: [...ALPNProtocols] });
    await once(socket, "secureConnect");
    return socket;
  };

  /** The status of each answer on a connection of its own, until the gateway ends it. */
  const send = async (request: string): Promise<readonly string[]> => {
    const socket = await connectAsAlice(["http/1.1"]);
    let heard = "";
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      heard += chunk;
      if (heard.includes("mirrored")) socket.end();
    });
    // It may be cut while it is still being written.
    socket.on("error", () => undefined);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write(request, "latin1");
    const timer = setTimeout(() => socket.destroy(), 5000);
    await closed;
    clearTimeout(timer);
    return heard.match(/(?<=HTTP\/1\.1 )\d{3}/g) ?? [];
  };

  /** A kubeconfig that leads to the managed cluster over the gateway's own port. */
  const door = async (user: object): Promise<string> => {
    const file = join(bed.hub.directory, `door-${Date.now()}-${Math.random()}.kubeconfig`);
    const server = `https://localhost:${bed.port}/apis/cluster.core.oam.dev/v1alpha1/clustergateways/managed1/proxy`;
    const config = {
      apiVersion: "v1",
      kind: "Config",
      "current-context": "door",
      contexts: [{ name: "door", context: { cluster: "door", user: "door" } }],
      clusters: [
        {
          name: "door",
          cluster: {
            server,
            "certificate-authority-data": Buffer.from(authority.caPem).toString("base64"),
          },
        },
      ],
      users: [{ name: "door", user }],
    };
    await writeFile(file, JSON.stringify(config));
    return file;
  };
  const byHub = async (user: string, groups: readonly string[] = []) =>
    bed.kubeconfigThrough("managed1", await bed.hub.kubeconfigFor(user, groups));
  const whoami = async (kubeconfig: string, ...flags: readonly string[]): Promise<Whoami> => {
    const { stdout, stderr } = await bed.kubectl(kubeconfig, [
      "auth",
      "whoami",
      "-o=json",
      ...flags,
    ]);
    assert.equal(stderr, "");
    return (JSON.parse(stdout) as { status: { userInfo: Whoami } }).status.userInfo;
  };
  const refusal = async (kubeconfig: string, ...flags: readonly string[]) =>
    (await bed.kubectl(kubeconfig, ["get", "--raw=/version", ...flags])).stderr;
  const tokenOf = async (name: string): Promise<string> => {
    const { body } = await bed.hub.api.send({
      method: "POST",
      path: `/api/v1/namespaces/default/serviceaccounts/${name}/token`,
      body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
    });
    return (body as { status: { token: string } }).status.token;
  };

  it("is the cluster's account for everyone, where it is shared", async () => {
    const alice = await byHub("alice", ["devs"]);
    await waitFor(
      "the cluster",
      async () => (await bed.kubectl(alice, ["auth", "whoami"])).code === 0,
    );
    assert.equal((await whoami(alice)).username, account);
    settings = settingsOf({
      identity: { mode: "Impersonate", clusters: [{ names: ["managed*"], mode: "Shared" }] },
    });
    assert.equal((await whoami(alice)).username, account);
  });

  it("is the caller's own, with the groups that the policy carries", async () => {
    settings = impersonate;
    const { username, groups } = await whoami(await byHub("alice", ["devs", "ops"]));
    assert.deepEqual([username, groups], ["alice", ["devs", "system:authenticated"]]);
  });

  it("makes nobody root there who is root on the hub", async () => {
    const { username, groups } = await whoami(await byHub("boss", ["system:masters"]));
    assert.deepEqual([username, groups], ["boss", ["system:authenticated"]]);
    const refused = await refusal(await byHub("system:kube-scheduler"));
    assert.match(
      refused,
      /Cannot act on cluster "managed1" as User "system:kube-scheduler": names in system:/,
    );
  });

  it("carries a name in UTF-8 as it is", async () => {
    const config = await byHub("boss", ["system:masters"]);
    assert.equal((await whoami(config, "--as=jürgen-ß")).username, "jürgen-ß");
  });

  it("maps a ServiceAccount of the hub to a name that is no account there", async () => {
    const { username, groups, extra } = await whoami(await door({ token: await tokenOf("bot") }));
    assert.equal(username, "hub:serviceaccount:default:bot");
    assert.deepEqual([groups, extra], [["system:authenticated"], undefined]);
  });

  it("is whom --as names, by the hub's leave, on both roads", async () => {
    const hub = await byHub("alice");
    assert.equal((await whoami(hub, "--as=carol")).username, "carol");
    const pki = `${bed.hub.pkiDirectory}/client-alice`;
    const own = await door({ "client-certificate": `${pki}.crt`, "client-key": `${pki}.key` });
    assert.equal((await whoami(own)).username, "alice");
    assert.equal((await whoami(own, "--as=carol")).username, "carol");
    for (const flags of [
      ["--as=dave"],
      ["--as=carol", "--as-group=devs"],
      ["--as=carol", "--as-uid=7"],
    ]) {
      assert.match(await refusal(own, ...flags), /forbidden: User "alice" cannot impersonate/);
    }
  });

  it("follows rules, the cluster's own first, and refuses with a wrong one", async () => {
    const rule = (name: string, user: string, target: string) => ({
      name,
      type: "StaticMappingIdentityExchanger",
      source: { userPattern: user },
      target: { user: target },
    });
    settings = settingsOf({
      identity: impersonate.policy,
      clientIdentityExchanger: { rules: [rule("g", "a.*", "from-file")] },
    });
    const alice = await byHub("alice");
    assert.equal((await whoami(alice)).username, "from-file");
    const annotate = async (rules: readonly object[]) =>
      bed.hub.kubectl([
        "-n",
        secretNamespace,
        "annotate",
        "--overwrite",
        "secret/managed1",
        `${clusterSecretAnnotations.proxyConfiguration}=${JSON.stringify({ spec: { clientIdentityExchanger: { rules } } })}`,
      ]);
    const deployer = "system:serviceaccount:default:deployer";
    await annotate([rule("own", "alice", deployer)]);
    await waitFor("the rule", async () => (await whoami(alice)).username === deployer);
    await annotate([rule("broken", "(", deployer)]);
    await waitFor("the refusal", async () =>
      /identity rule "broken" in the annotation of cluster "managed1" is wrong: source.userPattern/.test(
        await refusal(alice),
      ),
    );
    await waitFor("the Event", async () =>
      /InvalidIdentityRule/.test(await bed.hub.kubectl(["-n", secretNamespace, "get", "events"])),
    );
    assert.equal((await bed.kubectl(alice, ["get", "--raw", "/healthz"])).stdout, "ok");
    await bed.hub.kubectl([
      "-n",
      secretNamespace,
      "annotate",
      "secret/managed1",
      `${clusterSecretAnnotations.proxyConfiguration}-`,
    ]);
    settings = impersonate;
    await waitFor("the end of it", async () => (await refusal(alice)) === "");
  });

  it("comes from a token of the issuer at the door, with its groups", async () => {
    const good = await door({
      token: await issuer.token({ email: "erin@acme.com", groups: ["devs", "system:masters"] }),
    });
    const { username, groups } = await whoami(good);
    assert.deepEqual([username, groups], ["erin@acme.com", ["devs", "system:authenticated"]]);
    const other = await door({
      token: await issuer.token({ email: "erin@acme.com", aud: "other" }),
    });
    assert.match(await refusal(other), /Unauthorized|logged in/);
  });

  describe("is nobody's to smuggle", () => {
    const seen: Seen[] = [];
    const waiting: ServerHttp2Stream[] = [];
    let mirror: TestUpstream;
    before(async () => {
      settings = impersonate;
      await bed.hub.kubeconfigFor("alice");
      mirror = await startUpstream(authority, {
        h2(stream, headers) {
          const path = String(headers[":path"]);
          seen.push({ path, headers });
          stream.respond({ ":status": 200 });
          if (path === "/wait") waiting.push(stream.resume());
          else stream.resume().end("mirrored");
        },
      });
      await bed.writeCluster("mirror", "Const", {
        endpoint: `https://127.0.0.1:${mirror.port}`,
        "ca.crt": authority.caPem,
        token: "managed-token",
      });
      const plain = `GET ${mirrorPath}/api HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
      await waitFor("the mirror", async () => (await send(plain))[0] === "200");
    });
    after(async () => mirror[Symbol.asyncDispose]());

    const assertOwn = ({ headers }: Seen) => {
      assert.equal(headers["authorization"], "Bearer managed-token");
      assert.equal(headers["impersonate-user"], "alice");
      assert.doesNotMatch(JSON.stringify(headers), /root|masters|hub-token|aHViLXRva2Vu|x.remote/i);
    };

    for (const attack of smugglingCorpus) {
      const { name, lines, body = "", path = "/api", requestLine, want, isFaultyLater } = attack;
      it(`with ${name}`, async () => {
        seen.length = 0;
        const first = requestLine ?? `GET ${mirrorPath}${path} HTTP/1.1`;
        const host = requestLine === undefined ? "Host: localhost\r\n" : "";
        const ends = /^connection:/im.test(lines) ? "" : "Connection: close\r\n";
        const request = `${first}\r\n${host}${ends}${lines}\r\n${body}`;
        const [status = "none", ...more] = await send(
          request.replaceAll("HIDDEN", `${mirrorPath}/hidden`),
        );
        assert.deepEqual(
          more.filter((other) => other === "200"),
          [],
        );
        for (const one of seen) assertOwn(one);
        const wanted = want === "passed" ? ["200"] : want;
        assert.ok(wanted.includes(status), `answered ${status}`);
        assert.ok(
          seen.every((one) => one.path === "/api"),
          "the cluster saw another request",
        );
        if (isFaultyLater !== true) assert.equal(seen.length > 0, want === "passed");
      });
    }

    it("in fields of HTTP/2, however many and however large", async () => {
      seen.length = 0;
      const socket = await connectAsAlice(["h2"]);
      const session = connectH2("https://localhost", { createConnection: () => socket });
      session.on("error", () => undefined);
      const ask = async (headers: OutgoingHttpHeaders) => {
        const stream = session.request({ ":path": `${mirrorPath}/api`, ...headers });
        const answered = once(stream, "response") as Promise<[Record<string, unknown>]>;
        const [head] = await answered;
        stream.resume();
        return head[":status"];
      };
      const hostile = { "x-remote-user": "root", x_remote_group: "system:masters" };
      assert.equal(await ask({ ...hostile, authorization: "Bearer hub-token" }), 200);
      assert.equal(await ask({ "impersonate-user": ["alice", "root"] }), 400);
      assert.equal(await ask({ "impersonate-extra-a": "root" }), 400);
      assert.equal(await ask({ ":path": `${mirrorPath}/../x` }), 400);
      await assert.rejects(ask({ ":path": "https://elsewhere/api" }));
      await assert.rejects(ask({ "x-big": "a".repeat(400_000) }));
      for (const one of seen) assertOwn(one);
      assert.equal(seen.length, 1);
      session.destroy();
    });

    it("at the cost of nobody else, and not without being counted", async () => {
      const socket = await connectAsAlice(["h2"]);
      const session = connectH2("https://localhost", { createConnection: () => socket });
      const stream = session.request({ ":path": `${mirrorPath}/wait` });
      await once(stream, "response");
      const attacks = smugglingCorpus.filter(({ want }) => want !== "passed").slice(0, 12);
      await Promise.all(
        attacks.map(async ({ lines, body = "" }) =>
          send(
            `GET ${mirrorPath}/api HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${lines}\r\n${body}`,
          ),
        ),
      );
      for (const one of waiting) one.end("whole");
      assert.equal(await text(stream), "whole");
      session.close();
      const metrics = await bed.metrics.text();
      const count = (reason: string): number =>
        Number(
          new RegExp(`rejected_requests_total\\{reason="${reason}"\\} (\\d+)`).exec(metrics)?.[1],
        );
      assert.ok(count("malformed") >= 10, metrics);
      assert.ok(count("bad_request") >= 10);
      assert.ok(count("forbidden") >= 1);
    });
  });

  it("is written in the managed cluster's own refusals", async () => {
    const stderr = await refusal(await byHub("alice"), "--raw=/api/v1/secrets");
    assert.match(stderr, /User "alice" cannot list resource "secrets"/);
  });
});

const mirrorPath = "/apis/cluster.core.oam.dev/v1alpha1/clustergateways/mirror/proxy";

/** What the cluster that mirrors has seen of one request. */
interface Seen {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}
