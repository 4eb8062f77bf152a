import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { type ClientHttp2Session, connect as connectH2 } from "node:http2";
import { Agent, type RequestOptions, request } from "node:https";
import type { Duplex } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { connect as connectTls } from "node:tls";
import { serviceProxyHost } from "#api";
import { waitFor } from "#bed";
import { runAll } from "#runtime";
import { makeAuthority, type TestAuthority, tlsOf } from "#testing";
import { createTunnelClient } from "#tunnel";
import { ServicesUnderTest } from "../under-test/services-under-test.ts";
import { UserServerBed } from "../under-test/user-server-bed.ts";
import { hubNamespace } from "../under-test/user-server-manifests.ts";

/** Who may use all Services of namespace `default` of the managed cluster, and read Pods there. */
const managedRights = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: default}
rules:
- {apiGroups: [""], resources: [services/proxy], verbs: ["*"]}
- {apiGroups: [""], resources: [configmaps, pods], verbs: ["*"]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
- {kind: ServiceAccount, name: local, namespace: default}
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: "cluster:hub:system:serviceaccount:default:remote"}
`;

type Fields = Readonly<Record<string, string | string[]>>;

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

describe("the user server and the service proxy", { timeout: 300_000 }, () => {
  let bed: UserServerBed;
  let services: ServicesUnderTest;
  let frontends: TestAuthority;
  let tokens: Readonly<Record<"local" | "stranger" | "remote" | "other", string>>;
  const agent = new Agent({ keepAlive: true });

  before(async () => {
    frontends = await makeAuthority("frontends");
    const [agents, ofServices] = [await makeAuthority("agents"), await makeAuthority("services")];
    services = await ServicesUnderTest.start(await ofServices.server("secure.default.svc"));
    const { web, grpc, secure } = services.ports;
    const exposed = [
      `- {namespace: default, service: web, port: ${web}, protocol: http}`,
      `- {namespace: default, service: grpc, port: ${grpc}}`,
      `- {namespace: default, service: secure, port: ${secure}, protocol: https}`,
      "- {namespace: default, service: metadata}",
      `- {namespace: closed, service: web, port: ${web}}`,
    ];
    const hub = [...exposed, "- {namespace: default, service: only-on-hub}"].join("\n");
    const lists = { hub, managed: exposed.join("\n"), caPem: ofServices.caPem };
    bed = await UserServerBed.start(frontends, agents, lists);
    await bed.clusters.managed.apply(managedRights);
    tokens = {
      local: await bed.token("managed", "local"),
      stranger: await bed.token("managed", "stranger"),
      remote: await bed.token("hub", "remote"),
      other: await bed.token("hub", "remote", ["vault"]),
    };
    await waitFor("the whole way, and the rights on it", async () => {
      const answers = [await get(pods, tokens.local), await get(pods, tokens.remote)];
      if (answers.every(({ status }) => status === 200)) return true;
      throw new Error(answers.map((answer) => answer.text).join(""));
    });
  });
  after(async () => {
    agent.destroy();
    await bed[Symbol.asyncDispose]();
    await services[Symbol.asyncDispose]();
  });

  const pods = "/managed1/api/v1/namespaces/default/pods";
  const web = (path: string, namespace = "default") =>
    `/managed1/api/v1/namespaces/${namespace}/services/http:web:${services.ports.web}/proxy-service${path}`;

  async function send(
    path: string,
    token: string | undefined,
    { headers = {}, ...options }: Omit<RequestOptions, "headers"> & { headers?: Fields } = {},
    body = "",
  ): Promise<Answer> {
    const outgoing = request({
      agent,
      host: "localhost",
      port: bed.port,
      ca: frontends.caPem,
      path,
      ...options,
      headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
    });
    outgoing.end(body);
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      text: await text(response),
    };
  }

  const get = async (path: string, token?: string, headers = {}) => send(path, token, { headers });

  const reviewSelf = async (token: string, headers = {}) => {
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
    const path = "/managed1/apis/authentication.k8s.io/v1/selfsubjectreviews";
    const type = { "content-type": "application/json" };
    const options = { method: "POST", headers: { ...type, ...headers } };
    const answer = await send(path, token, options, JSON.stringify(body));
    assert.equal(answer.status, 201, answer.text);
    const { status } = JSON.parse(answer.text) as {
      readonly status: {
        readonly userInfo: { readonly username: string; readonly groups: string[] };
      };
    };
    return { name: status.userInfo.username, groups: status.userInfo.groups };
  };

  function h2(): ClientHttp2Session {
    return connectH2(`https://localhost:${bed.port}`, { ca: frontends.caPem });
  }

  it("leads accounts of the managed cluster to its API with their own token", async () => {
    assert.deepEqual(await reviewSelf(tokens.local), {
      name: "system:serviceaccount:default:local",
      groups: ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"],
    });
    assert.equal((await get(pods, tokens.local)).status, 200);
    const refused = await get(pods, tokens.stranger);
    assert.equal(refused.status, 403);
    assert.match(refused.text, /system:serviceaccount:default:stranger/);
  });

  it("lets users of the hub act as themselves, under names that the cluster's own do not have", async () => {
    const { name, groups } = await reviewSelf(tokens.remote);
    assert.equal(name, "cluster:hub:system:serviceaccount:default:remote");
    assert.deepEqual(groups.toSorted(), [
      "cluster:hub:system:serviceaccounts",
      "cluster:hub:system:serviceaccounts:default",
      "system:authenticated",
    ]);
    assert.equal((await get(pods, tokens.remote)).status, 200);
    const refused = await get("/managed1/api/v1/namespaces/kube-system/pods", tokens.remote);
    assert.equal(refused.status, 403);
    assert.match(refused.text, /cluster:hub:system:serviceaccount:default:remote/);
  });

  it("makes the agent ready only with its service proxy", async () => {
    const answer = await fetch(`http://127.0.0.1:${bed.agentHealthPort}/readyz?verbose`);
    assert.match(await answer.text(), /^\[\+\]service-proxy ok$/m);
  });

  it("streams watches", async () => {
    const outgoing = request({
      host: "localhost",
      port: bed.port,
      ca: frontends.caPem,
      path: "/managed1/api/v1/namespaces/default/configmaps?watch=true",
      headers: { authorization: `Bearer ${tokens.remote}` },
    }).end();
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    assert.equal(response.statusCode, 200);
    let heard = "";
    response.setEncoding("utf8").on("data", (chunk: string) => void (heard += chunk));
    response.on("error", () => undefined);
    await bed.clusters.managed.kubectl(["create", "configmap", "seen", "--from-literal=a=b"]);
    await waitFor("the event", () => Promise.resolve(heard.includes('"name":"seen"')));
    outgoing.destroy();
  });

  it("shows no token of the hub to the managed cluster, whatever it was made for", async () => {
    const { status, text: said } = await get(pods, tokens.other);
    assert.equal(status, 401);
    assert.match(said, /which has signed it; it is not sent to managed clusters/);
    await get(web("/"), tokens.remote);
    await reviewSelf(tokens.remote);
    const seen = JSON.stringify([bed.sent, services.heard]);
    for (const token of [tokens.remote, tokens.other]) assert.ok(!seen.includes(token));
    assert.ok(seen.includes(tokens.local));
    assert.doesNotMatch(bed.output, /Bearer|PRIVATE KEY|eyJ/);
  });

  it("refuses who says nothing that counts", async () => {
    const jwt = (claims: object) =>
      [{ alg: "RS256", kid: "unknown" }, claims, "x"]
        .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
        .join(".");
    const account = { iss: "https://x", sub: "system:serviceaccount:default:local", exp: 1 };
    const cases: readonly (readonly [token: string | undefined, why: RegExp])[] = [
      [undefined, /no bearer token/],
      ["nonsense", /no ServiceAccount token/],
      [jwt({ iss: "https://x", sub: "alice" }), /no ServiceAccount token/],
      [jwt(account), /Unauthorized/],
    ];
    for (const [token, why] of cases) {
      const { status, text: said } = await get(pods, token);
      assert.equal(status, 401);
      assert.match(said, why);
    }
    const twice = await get(web("/"), jwt(account));
    assert.equal(twice.status, 401);
    assert.match(twice.text, /token is not valid for the managed cluster/);
  });

  it("leaves it to the cluster whom an account of its own may impersonate, and to the hub for its users", async () => {
    const [asBob, asEve] = [{ "impersonate-user": "bob" }, { "impersonate-user": "eve" }];
    await bed.clusters.hub.apply(impersonator("remote"));
    await bed.clusters.managed.apply(impersonator("local"));
    await waitFor("the rights to be bob", async () => {
      const rules = ["auth", "can-i", "impersonate", "users/bob", "--as"];
      const may = async (cluster: "hub" | "managed", account: string) =>
        bed.clusters[cluster].kubectl([...rules, `system:serviceaccount:default:${account}`]);
      return (await may("hub", "remote")) + (await may("managed", "local")) === "yes\nyes\n";
    });
    for (const token of [tokens.local, tokens.remote]) {
      assert.equal((await reviewSelf(token, asBob)).name, "bob");
      assert.equal((await get(pods, token, asEve)).status, 403);
    }
    const groups = { ...asBob, "impersonate-group": "system:masters" };
    assert.equal((await get(pods, tokens.remote, groups)).status, 403);
  });

  it("reaches Services that are listed, for those whom the managed cluster lets", async () => {
    for (const token of [tokens.local, tokens.remote]) {
      const { status, text: said } = await send(
        web("/a%2Fb/?q=/c"),
        token,
        { method: "PUT" },
        "hi",
      );
      assert.deepEqual([status, said], [200, "PUT /a%2Fb/?q=/c hi"]);
    }
    const refused = await get(web("/"), tokens.stranger);
    assert.equal(refused.status, 403);
    assert.match(refused.text, /needs verb .*get.* on resource .*services\/proxy.*web/);
    const elsewhere = await get(web("/", "closed"), tokens.remote);
    assert.equal(elsewhere.status, 403);
    assert.match(elsewhere.text, /in namespace .*closed/);
    assert.equal((await get(web("/"))).status, 401);
  });

  it("tells a Service who nobody is, and gives it the cluster's own tokens only", async () => {
    const smuggled = {
      "x-remote-user": "root",
      "x-remote-group": "system:masters",
      x_remote_user: "root",
      "cluster-proxy-service": "kubernetes",
      "cluster-proxy-namespace": "default",
      cookie: "a=b",
    };
    services.heard.length = 0;
    for (const token of [tokens.local, tokens.remote]) {
      assert.equal((await get(web("/smuggled"), token, smuggled)).status, 200);
    }
    const [local, remote] = services.heard.map(({ headers }) => headers);
    assert.ok(local && remote);
    for (const headers of [local, remote]) {
      const names = Object.keys(headers);
      const wrong = names.filter((name) => /remote|impersonate|cluster-proxy/.test(name));
      assert.deepEqual(wrong, []);
      assert.equal(headers["cookie"], "a=b");
      assert.equal(headers["host"], `web.default.svc:${services.ports.web}`);
    }
    assert.equal(local["authorization"], `Bearer ${tokens.local}`);
    assert.equal(remote["authorization"], undefined);
  });

  it("drops what is smuggled to the API server as well", async () => {
    const smuggled = { "x-remote-user": "root", x_remote_user: "root", "x-remote-extra-a": "b" };
    const lookalike = { ...smuggled, impersonate_user: "root" };
    bed.sent.length = 0;
    assert.equal((await get(pods, tokens.local, lookalike)).status, 200);
    assert.equal((await get(pods, tokens.remote, smuggled)).status, 200);
    assert.equal((await get(pods, tokens.remote, lookalike)).status, 400);
    assert.equal(bed.sent.length, 2);
    const fields = bed.sent.flatMap((headers) => Object.keys(headers));
    assert.deepEqual(
      fields.filter((name) => /remote|impersonate_|cluster-proxy/.test(name)),
      [],
    );
    const twice = await get(pods, tokens.remote, { authorization: ["Bearer a", "Bearer b"] });
    assert.equal(twice.status, 401);
  });

  it("lets users of an issuer act as what its claims say, and keeps their tokens", async () => {
    const claims = { email: "erin@acme.test", groups: ["devs", "system:masters"] };
    const token = await bed.issuer.token(claims);
    const { name, groups } = await reviewSelf(token);
    assert.equal(name, "erin@acme.test");
    assert.deepEqual(groups.toSorted(), ["devs", "system:authenticated"]);
    assert.ok(!JSON.stringify(bed.sent).includes(token));
    const forOthers = await bed.issuer.token({ ...claims, aud: "other" });
    assert.equal((await get(pods, forOthers)).status, 401);
  });

  const recorded = async (auditId: string, stage = "ResponseComplete") =>
    waitFor(`the event of ${auditId}`, async () =>
      (await bed.audited()).find((event) => event.auditID === auditId && event.stage === stage),
    );

  it("records who did what, under the name that the managed cluster knows the request by", async () => {
    await get(pods, tokens.remote, { "audit-id": "of-remote" });
    const { user, impersonatedUser, annotations, ...event } = await recorded("of-remote");
    assert.equal(user.username, "system:serviceaccount:default:remote");
    assert.equal(impersonatedUser?.username, `cluster:hub:${user.username}`);
    assert.equal(annotations["proxy.open-cluster-management.io/cluster"], "managed1");
    assert.deepEqual([event.verb, event.objectRef?.["resource"]], ["list", "pods"]);
    assert.deepEqual(event.responseStatus, { code: 200 });
    assert.ok(bed.sent.some((fields) => fields["audit-id"] === "of-remote"));
  });

  it("records what is asked of Services, what is refused, and no credential", async () => {
    await get(web("/x?token=secret"), tokens.local, { "audit-id": "of-service" });
    await recorded("of-service", "ResponseStarted");
    const { user, objectRef, requestURI } = await recorded("of-service");
    assert.equal(user.username, "managed-cluster:system:serviceaccount:default:local");
    assert.deepEqual(objectRef, {
      resource: "services",
      namespace: "default",
      name: `http:web:${services.ports.web}`,
      apiVersion: "v1",
      subresource: "proxy",
    });
    assert.match(requestURI, /proxy-service\/x\?token=redacted$/);
    await get(web("/").replace("web", "hidden"), tokens.remote, { "audit-id": "refused" });
    const { responseStatus } = await recorded("refused");
    assert.match(JSON.stringify(responseStatus), /"code":403.*allowlist of the hub/);
    assert.doesNotMatch(JSON.stringify(await bed.audited()), /Bearer|eyJ|secret/);
  });

  it("says which list a Service is not on", async () => {
    const at = (service: string) =>
      get(`/managed1/api/v1/namespaces/default/services/${service}/proxy-service/`, tokens.remote);
    const onNone = await at("http:other:80");
    assert.equal(onNone.status, 403);
    assert.match(
      onNone.text,
      /default\/other is not in the exposed services allowlist of the hub: ConfigMap .*cluster-proxy-exposed-services/,
    );
    const onHub = await at("https:only-on-hub:443");
    assert.equal(onHub.status, 403);
    assert.match(onHub.text, /only-on-hub is not in .*allowlist of the managed cluster/);
    assert.equal((await at(`https:web:${services.ports.web}`)).status, 403);
    const forbidden = await at("http:metadata:80");
    assert.equal(forbidden.status, 502);
    assert.match(forbidden.text, /address 169\.254\.169\.254 is not allowed by the agent/);
  });

  it("refuses paths that could be read in another way", async () => {
    const paths = [
      web("/../../../../../secrets"),
      web("/%2e%2e/x"),
      web("/a\\b"),
      "/managed1/api/v1/namespaces/default%2Fx/services/http:web:80/proxy-service/",
      "/managed1/api/v1/namespaces/default/services/http:web%2Fx:80/proxy-service/",
      "/managed1/api/v1/namespaces/default/services/ftp:web:80/proxy-service/",
      "/managed1/api/v1/namespaces/default/services/http:web:name/proxy-service/",
      "/managed1/../managed2/api",
      "/managed1",
      "/",
    ];
    for (const path of paths) assert.equal((await get(path, tokens.remote)).status, 400, path);
  });

  it("tells clusters that are not there from those that cannot be reached", async () => {
    assert.equal((await get("/unknown/api", tokens.remote)).status, 404);
    const away = await get("/managed2/api", tokens.remote);
    assert.equal(away.status, 503);
    assert.match(away.text, /no agent with a service proxy is connected/);
  });

  it("keeps redirects and cookies of a Service with that Service", async () => {
    const { status, headers } = await get(web("/moved"), tokens.remote);
    assert.equal(status, 302);
    assert.equal(headers.location, web("/elsewhere?a=b"));
    assert.deepEqual(headers["set-cookie"], [`session=1; HttpOnly; Path=${web("/")}`]);
  });

  it("carries WebSockets", async () => {
    const outgoing = request({
      host: "localhost",
      port: bed.port,
      ca: frontends.caPem,
      path: web("/socket"),
      headers: {
        authorization: `Bearer ${tokens.remote}`,
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      },
    }).end();
    const [response, socket] = (await once(outgoing, "upgrade")) as [IncomingMessage, Duplex];
    assert.equal(response.headers["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    socket.write("frame");
    const [echo] = (await once(socket, "data")) as [Buffer];
    assert.equal(echo.toString(), "frame");
    socket.destroy();
  });

  it("carries gRPC, with and without TLS, to its trailers", async () => {
    const session = h2();
    const { grpc, secure } = services.ports;
    for (const service of [`http:grpc:${grpc}`, `https:secure:${secure}`]) {
      const call = session.request({
        ":method": "POST",
        ":path": `/managed1/api/v1/namespaces/default/services/${service}/proxy-service/echo.Echo/Say`,
        authorization: `Bearer ${tokens.remote}`,
        "content-type": "application/grpc",
        te: "trailers",
      });
      const trailers = once(call, "trailers") as Promise<[Record<string, string>]>;
      call.write(Buffer.from([0, 0, 0, 0, 2, 104]));
      call.end("i");
      const [head] = (await once(call, "response")) as [Record<string, unknown>];
      const body = await buffer(call);
      assert.equal(head[":status"], 200, body.toString());
      assert.deepEqual([...body], [0, 0, 0, 0, 2, 104, 105]);
      const [{ "grpc-status": status, "grpc-message": message }] = await trailers;
      assert.deepEqual([status, message], ["0", "well"]);
      assert.equal(services.heard.at(-1)?.path, "/echo.Echo/Say");
    }
    session.close();
  });

  it("serves nobody but the user server at the managed end of the tunnel", async () => {
    const front = await frontends.client("proxy-client");
    const host = serviceProxyHost("managed1");
    const tls = tlsOf(frontends, front);
    const client = createTunnelClient({ servers: [`localhost:${bed.frontendPort}`], tls });
    const stop = new AbortController();
    const ended = runAll([client], stop.signal);
    const ask = async (pair: object) => {
      const raw = await client.dial(host, 7443, AbortSignal.timeout(10_000));
      const socket = connectTls({ socket: raw, servername: host, ca: bed.agentsCa, ...pair });
      socket.write(
        "GET /api HTTP/1.1\r\nHost: x\r\nConnection: close\r\nImpersonate-User: alice\r\nCluster-Proxy-Proto: https\r\nCluster-Proxy-Namespace: default\r\nCluster-Proxy-Service: kubernetes\r\nCluster-Proxy-Port: 443\r\n\r\n",
      );
      return text(socket);
    };
    try {
      await waitFor("the tunnel", () => Promise.resolve(client.reasonNotReady() === undefined));
      for (const pair of [{}, front]) {
        assert.match(
          await ask(pair),
          /^HTTP\/1\.1 401 [\s\S]*only the hub's user server may connect/,
        );
      }
    } finally {
      stop.abort();
      await ended;
    }
  });

  it("follows the hub's list as it changes", async () => {
    const { web: port } = services.ports;
    await bed.expose("- {namespace: other, service: x}");
    await waitFor(
      "the list without it",
      async () => (await get(web("/"), tokens.remote)).status === 403,
    );
    await bed.expose("- [");
    await bed.expose(`- {namespace: default, service: web, port: ${port}}`);
    await waitFor(
      "the list with it",
      async () => (await get(web("/"), tokens.remote)).status === 200,
    );
    await bed.clusters.hub.kubectl([
      "-n",
      hubNamespace,
      "delete",
      "configmap/cluster-proxy-exposed-services",
    ]);
    await waitFor("no list", async () => (await get(web("/"), tokens.remote)).status === 403);
  });
});

/** The right to be bob, for an account of namespace `default`. */
function impersonator(account: string): string {
  return `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: be-bob}
rules: [{apiGroups: [""], resources: [users], resourceNames: [bob], verbs: [impersonate]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: be-bob}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: be-bob}
subjects: [{kind: ServiceAccount, name: ${account}, namespace: default}]
`;
}
