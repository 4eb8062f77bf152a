import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { connect } from "node:http2";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { connect as connectTls } from "node:tls";
import { waitFor } from "#bed";
import { makeAuthority, startUpstream, type TestAuthority } from "#testing";
import { GatewayBed } from "./gateway-bed.ts";
import { grantManifest, secretNamespace } from "./under-test/gateway-bed-manifests.ts";

describe("the gateway between two API servers", { timeout: 300_000 }, () => {
  let bed: GatewayBed;
  let authority: TestAuthority;
  let through = "";

  before(async () => {
    authority = await makeAuthority("gateway-ca");
    bed = await GatewayBed.start();
    await bed.startGateway(authority);
    await bed.writeCluster("managed1", "Const", {
      endpoint: bed.managed.server,
      "ca.crt": await bed.managedCa(),
      token: await bed.token(),
    });
    through = await bed.kubeconfigThrough("managed1");
    await waitFor(
      "the cluster",
      async () => (await hub("get", "clustergateway", "managed1")).code === 0,
    );
  });
  after(async () => bed[Symbol.asyncDispose]());

  const hub = async (...args: readonly string[]) => bed.kubectl(bed.hub.kubeconfig, args);
  const managed = async (...args: readonly string[]) => bed.kubectl(through, args);
  const raw = async (path: string) =>
    hub("get", "--raw", `/apis/cluster.core.oam.dev/v1alpha1/clustergateways/${path}`);

  it("is found by the hub's discovery, with columns as upstream has them", async () => {
    const table = await hub("get", "clustergateway");
    assert.equal(table.stderr, "");
    const [head = "", row = ""] = table.stdout
      .split("\n")
      .map((line) => line.replaceAll(/\s+/g, " "));
    assert.equal(head.trim(), "NAME PROVIDER CREDENTIAL-TYPE ENDPOINT-TYPE HEALTHY");
    assert.equal(row.trim(), "managed1 ServiceAccountToken Const false");
    const wide = await hub("get", "clustergateway", "-o", "wide");
    assert.match(wide.stdout, /HEALTHY +TUNNELS +LATENCY +TOKEN-EXPIRES +AGE/);
  });

  it("explains its kinds from its schemas", async () => {
    // The hub fetches schemas some seconds after an API has become available.
    await waitFor("the schemas", async () => {
      const { stdout } = await hub("explain", "clustergateway.spec.access.endpoint");
      return /const\s+<ClusterEndpointConst>/.test(stdout);
    });
  });

  it("never shows a token", async () => {
    const shown = await hub("get", "clustergateway", "managed1", "-o", "json");
    assert.doesNotMatch(shown.stdout, new RegExp((await bed.token()).slice(0, 20)));
    assert.deepEqual(JSON.parse(shown.stdout).spec.access.credential, {
      type: "ServiceAccountToken",
    });
  });

  it("answers healthz of the managed cluster through the hub", async () => {
    assert.deepEqual(await raw("managed1/proxy/healthz"), { code: 0, stdout: "ok", stderr: "" });
  });

  it("passes on the managed cluster's own refusal until it grants something", async () => {
    const refused = await managed("get", "namespaces");
    assert.match(
      refused.stderr,
      /namespaces is forbidden: User "system:serviceaccount:open-cluster-management-managed-serviceaccount:cluster-gateway" cannot list resource "namespaces"/,
    );
    await bed.managed.apply(grantManifest);
    await waitFor("the grant", async () => (await managed("get", "namespaces")).code === 0);
  });

  it("carries create, apply, patch, get, list and delete", async () => {
    const made = await managed("create", "configmap", "one", "--from-literal=a=1");
    assert.equal(made.stderr, "");
    const manifest = JSON.stringify({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "two", namespace: "default" },
      data: { big: "x".repeat(500_000) },
    });
    const applied = await bed.kubectl(through, ["apply", "--server-side", "-f", "-"], manifest);
    assert.equal(applied.stderr, "");
    const patched = await managed("patch", "configmap", "one", "-p", '{"data":{"b":"2"}}');
    assert.equal(patched.stderr, "");
    const shown = await managed("get", "configmap", "one", "-o", "jsonpath={.data}");
    assert.deepEqual(JSON.parse(shown.stdout), { a: "1", b: "2" });
    assert.match((await managed("get", "configmap")).stdout, /two +1/);
    assert.equal((await managed("delete", "configmap", "one", "two")).code, 0);
    assert.match(await bed.managed.kubectl(["get", "configmap"]), /kube-root-ca|No resources|^$/);
  });

  it("lets a dry run reach the managed cluster as one", async () => {
    const tried = await managed("create", "configmap", "dry", "--dry-run=server");
    assert.match(tried.stdout, /created \(server dry run\)/);
    assert.match((await managed("get", "configmap", "dry")).stderr, /not found/);
  });

  it("carries a watch event by event", async () => {
    const watch = bed.spawnKubectl(through, ["get", "configmap", "--watch-only", "-o", "name"]);
    let seen = "";
    watch.stdout.on("data", (chunk) => {
      seen += String(chunk);
    });
    try {
      await waitFor("the watch's event", async () => {
        await managed("create", "configmap", `w-${Date.now()}`);
        return seen.includes("configmap/w-");
      });
    } finally {
      watch.kill();
    }
  });

  it("shows changes of clusters to a watch on the hub", async () => {
    const watch = bed.spawnKubectl(bed.hub.kubeconfig, ["get", "clustergateway", "--watch"]);
    let seen = "";
    watch.stdout.on("data", (chunk) => {
      seen += String(chunk);
    });
    try {
      await waitFor("the list", async () => seen.includes("managed1"));
      await bed.writeCluster("passing", "Const", {
        endpoint: "https://127.0.0.1:1",
        "ca.crt": await bed.managedCa(),
        token: "x",
      });
      await waitFor("the new cluster", async () => seen.includes("passing"));
    } finally {
      watch.kill();
    }
    const unreachable = await raw("passing/proxy/version");
    assert.match(
      unreachable.stderr,
      /Cannot reach cluster "passing": no connection to its API server/,
    );
    await bed.hub.kubectl(["-n", secretNamespace, "delete", "secret", "passing"]);
    await waitFor("its end", async () => (await raw("passing")).code !== 0);
  });

  it("names a cluster that it does not know", async () => {
    const unknown = await raw("nowhere/proxy/healthz");
    assert.match(unknown.stderr, /NotFound.*"nowhere".*no such cluster nowhere/);
    const shown = await hub("get", "clustergateway", "nowhere");
    assert.match(shown.stderr, /NotFound/);
  });

  it("says which ManagedServiceAccount is not ready while a token is missing", async () => {
    await bed.hub.apply(
      JSON.stringify({
        apiVersion: "cluster.open-cluster-management.io/v1",
        kind: "ManagedCluster",
        metadata: { name: "waiting" },
        spec: { hubAcceptsClient: true },
      }),
    );
    // Not with kubectl, which heeds Retry-After ten times before it shows the answer.
    const path = "/apis/cluster.core.oam.dev/v1alpha1/clustergateways/waiting/proxy/healthz";
    await waitFor("the refusal", async () => (await bed.hub.api.send({ path })).status === 503);
    const { body } = await bed.hub.api.send({ path });
    const { reason, message } = body as { reason: string; message: string };
    assert.equal(reason, "ServiceUnavailable");
    assert.match(message, /ManagedServiceAccount waiting\/cluster-gateway is not ready/);
  });

  it("trusts a managed API server only with the CA that came with the token", async () => {
    await bed.writeCluster("impostor", "Const", {
      endpoint: bed.managed.server,
      "ca.crt": authority.caPem,
      token: await bed.token(),
    });
    await waitFor("the refusal", async () => {
      const { stderr } = await raw("impostor/proxy/healthz");
      return /certificate of its API server is not from the CA/.test(stderr);
    });
    await bed.hub.kubectl(["-n", secretNamespace, "delete", "secret", "impostor"]);
  });

  it("lets only those pass whom the hub's RBAC lets", async () => {
    const alice = await bed.hub.kubeconfigFor("alice");
    const path = "/apis/cluster.core.oam.dev/v1alpha1/clustergateways/managed1/proxy/healthz";
    const refused = await bed.kubectl(alice, ["get", "--raw", path]);
    assert.match(refused.stderr, /Forbidden.*alice/);
    const role = "create clusterrole managed1-reader --verb=get --resource-name=managed1";
    const resource = "--resource=clustergateways.cluster.core.oam.dev/proxy";
    await bed.hub.kubectl([...role.split(" "), resource]);
    const binding = "create clusterrolebinding alice --clusterrole=managed1-reader --user=alice";
    await bed.hub.kubectl(binding.split(" "));
    await waitFor("alice's right", async () => {
      const { stdout } = await bed.kubectl(alice, ["get", "--raw", path]);
      return stdout === "ok";
    });
  });

  it("takes a new token for the next request and cuts no watch for it", async () => {
    const watch = bed.spawnKubectl(through, ["get", "configmap", "--watch-only", "-o", "name"]);
    let seen = "";
    watch.stdout.on("data", (chunk) => {
      seen += String(chunk);
    });
    try {
      await waitFor("the watch", async () => {
        await managed("create", "configmap", `r-${Date.now()}`);
        return seen.includes("r-");
      });
      const rotate = async (token: string) =>
        bed.writeCluster("managed1", "Const", {
          endpoint: bed.managed.server,
          "ca.crt": await bed.managedCa(),
          token,
        });
      await rotate("not-a-token");
      await waitFor("the bad token", async () => (await managed("get", "configmap")).code !== 0);
      await rotate(await bed.token());
      await waitFor("the good token", async () => (await managed("get", "configmap")).code === 0);
      await managed("create", "configmap", "after-rotation");
      await waitFor("the old watch", async () => seen.includes("after-rotation"));
      assert.equal(watch.exitCode, null);
    } finally {
      watch.kill();
    }
  });

  it("believes X-Remote-User from nobody but the front proxy, at its own door", async () => {
    const session = connect(`https://localhost:${bed.port}`, { ca: authority.caPem });
    const ask = async (path: string, headers: Readonly<Record<string, string>> = {}) => {
      const stream = session.request({ ":path": path, ...headers });
      const [head] = (await once(stream, "response")) as [Record<string, unknown>];
      return { status: head[":status"], body: (await buffer(stream)).toString() };
    };
    const path = "/apis/cluster.core.oam.dev/v1alpha1/clustergateways";
    try {
      const root = { "x-remote-user": "root", "x-remote-group": "system:masters" };
      assert.equal((await ask(path, root)).status, 401);
      assert.equal((await ask(path, { authorization: "Bearer nonsense" })).status, 401);
      assert.deepEqual(await ask("/readyz"), { status: 200, body: "ok" });
      const account = "/api/v1/namespaces/default/serviceaccounts";
      await bed.hub.api.create(account, { metadata: { name: "direct" } });
      const { body } = await bed.hub.api.send({
        method: "POST",
        path: `${account}/direct/token`,
        body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
      });
      const { token } = (body as { status: { token: string } }).status;
      const bearer = { authorization: `Bearer ${token}` };
      assert.equal((await ask(path, bearer)).status, 403);
      const grant = "create clusterrolebinding direct --clusterrole=cluster-admin";
      await bed.hub.kubectl([...grant.split(" "), "--serviceaccount=default:direct"]);
      const healthz = `${path}/managed1/proxy/healthz`;
      await waitFor("the right", async () => (await ask(healthz, bearer)).body === "ok");
      const wish = { ...bearer, "Impersonate-User": "root" };
      const asRootWish = await ask(healthz, wish);
      assert.match(asRootWish.body, /User \\"root\\" cannot get/);
      assert.equal((await ask(`${path}/managed1/proxy/api/..%2f..`, bearer)).status, 400);
      const { body: metrics } = await ask("/metrics", bearer);
      assert.match(metrics, /ocm_proxy_proxied_requests_by_cluster_total\{cluster="managed1"/);
    } finally {
      session.close();
    }
  });

  it("takes an account's own token while there is a pass for it, and only at its own cluster", async () => {
    const api = "/api/v1/namespaces/default/serviceaccounts";
    await bed.managed.api.create(api, { metadata: { name: "ci" } });
    const { body } = await bed.managed.api.send({
      method: "POST",
      path: `${api}/ci/token`,
      body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
    });
    const { token } = (body as { status: { token: string } }).status;
    const file = async (cluster: string) => {
      const path = join(bed.hub.directory, `ci-${cluster}.kubeconfig`);
      const server = `https://localhost:${bed.port}/apis/cluster.core.oam.dev/v1alpha1/clustergateways/${cluster}/proxy`;
      const ca = Buffer.from(authority.caPem).toString("base64");
      const entry = { server, "certificate-authority-data": ca };
      await writeFile(
        path,
        JSON.stringify({
          apiVersion: "v1",
          kind: "Config",
          clusters: [{ name: "c", cluster: entry }],
          users: [{ name: "u", user: { token } }],
          contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
          "current-context": "c",
        }),
      );
      return path;
    };
    const own = await file("managed1");
    const whoami = async (kubeconfig: string, ...flags: readonly string[]) =>
      bed.kubectl(kubeconfig, [
        "auth",
        "whoami",
        "-o=jsonpath={.status.userInfo.username}",
        ...flags,
      ]);
    assert.match((await whoami(own)).stderr, /You must be logged in to the server/);
    const pass = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: {
        name: "managed1.ci",
        namespace: secretNamespace,
        labels: { "authentication.open-cluster-management.io/output": "gateway-pass" },
      },
      data: {
        cluster: "managed1",
        account: "managed1/ci",
        tokens: `${hash("sha256", token, "hex")} 2999-01-01T00:00:00Z`,
      },
    };
    await bed.hub.apply(JSON.stringify(pass));
    await waitFor("the pass", async () => (await whoami(own)).code === 0);
    assert.equal((await whoami(own)).stdout, "system:serviceaccount:default:ci");
    const refused = await bed.kubectl(own, ["get", "secrets"]);
    assert.match(
      refused.stderr,
      /User "system:serviceaccount:default:ci" cannot list resource "secrets"/,
    );
    assert.match((await whoami(own, "--as=root")).stderr, /Cannot impersonate with the token/);
    assert.match(
      (await whoami(await file("elsewhere"))).stderr,
      /You must be logged in to the server/,
    );
    await bed.hub.kubectl(["-n", secretNamespace, "delete", "configmap", "managed1.ci"]);
    await waitFor("the end of the pass", async () => (await whoami(own)).code !== 0);
  });

  for (const protocol of ["websocket", "SPDY/3.1"]) {
    it(`carries an upgrade to ${protocol} through the hub`, async () => {
      const seen: string[] = [];
      await using upstream = await startUpstream(authority, {
        upgrade: (socket, url, headers) => {
          seen.push(url, headers.join(" "));
          socket.write(
            `HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${protocol}\r\nConnection: Upgrade\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n`,
          );
          socket.pipe(socket);
        },
      });
      await bed.writeCluster("upgrading", "Const", {
        endpoint: `https://127.0.0.1:${upstream.port}`,
        "ca.crt": authority.caPem,
        token: "managed-token",
      });
      await waitFor("the cluster", async () => (await raw("upgrading")).code === 0);
      const pki = (name: string) => readFile(`${bed.hub.pkiDirectory}/${name}`);
      const [ca, cert, key] = await Promise.all(["ca.crt", "admin.crt", "admin.key"].map(pki));
      const { hostname, port } = new URL(bed.hub.server);
      const socket = connectTls({ host: hostname, port: Number(port), ca, cert, key });
      const path =
        "/apis/cluster.core.oam.dev/v1alpha1/clustergateways/upgrading/proxy/exec?command=a&command=b";
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\nContent-Length: 0\r\n\r\n`,
      );
      let got = "";
      socket.on("data", (chunk) => {
        got += String(chunk);
      });
      await waitFor("the answer", () => Promise.resolve(got.endsWith("\r\n\r\n")));
      socket.write("echoed");
      await waitFor("the echo", () => Promise.resolve(got.endsWith("echoed")));
      assert.match(got, /^HTTP\/1.1 101 [\s\S]*x-stream-protocol-version: v4.channel.k8s.io/i);
      assert.equal(seen[0], "/exec?command=a&command=b");
      assert.match(seen[1] ?? "", /authorization Bearer managed-token/i);
      assert.doesNotMatch(seen[1] ?? "", /x-remote-/i);
      const closed = once(socket, "close");
      socket.end();
      await closed;
    });
  }

  it("keeps what a prober says about a cluster's health", async () => {
    const path = "/apis/cluster.core.oam.dev/v1alpha1/clustergateways/managed1/health";
    const body = { metadata: { name: "managed1" }, status: { healthy: true, healthyReason: "" } };
    const put = await bed.hub.api.send({ method: "PUT", path, body });
    assert.equal(put.status, 200);
    await waitFor("the column", async () =>
      /true/.test((await hub("get", "clustergateway", "managed1", "-o", "wide")).stdout),
    );
  });

  it("stops asking a cluster that does not answer, and goes on when it is back", async () => {
    await bed.managed.stop("kube-apiserver");
    await waitFor("the circuit to open", async () =>
      /is not asked for [\d.]+ s more, since it did not answer before/.test(
        (await raw("managed1/proxy/version")).stderr,
      ),
    );
    assert.equal((await hub("get", "clustergateway", "managed1")).code, 0);
    await bed.managed.restart("kube-apiserver");
    await bed.managed.ready();
    await waitFor("an answer", async () => (await raw("managed1/proxy/version")).code === 0);
  });
});
