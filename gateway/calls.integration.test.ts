import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { ClientHttp2Session } from "node:http2";
import { request as requestHttps } from "node:https";
import type { AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { after, before, describe, it } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { configMaps } from "#api";
import { waitFor } from "#bed";
import { createKubeClient, createObjectCache } from "#kube";
import { createMetrics, silentLogger } from "#runtime";
import { makeAuthority, type TestAuthority } from "#testing";
import { GatewayBed } from "./gateway-bed.ts";
import { grantManifest } from "./under-test/gateway-bed-manifests.ts";
import {
  type Answer,
  type Call,
  type Client,
  h1Client,
  h2Client,
  h2Session,
  openRoads,
  type Road,
} from "./under-test/roads.ts";

const megabyte = 1024 * 1024;
const prefix = "/apis/cluster.core.oam.dev/v1alpha1/clustergateways/managed1/proxy";
const service = "/api/v1/namespaces/default/services/web:80/proxy";

/** API servers proxy to no loopback address: one of this machine's own does. */
function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flat();
  const own = all.find((entry) => entry?.family === "IPv4" && !entry.internal);
  assert.ok(own, "this machine has no address but loopback");
  return own.address;
}

/** What runs behind a Service of the managed cluster. */
class WebService implements AsyncDisposable {
  readonly seen: string[] = [];
  /** Calls whose client left before the answer was complete. */
  readonly abandoned: string[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      const { url = "" } = request;
      this.seen.push(url);
      response.once("close", () => {
        if (!response.writableFinished) this.abandoned.push(url);
      });
      const { pathname, searchParams } = new URL(url, "http://web");
      if (pathname === "/redirect") {
        response.writeHead(302, { Location: "/target/?a=b", "Content-Location": "/x" }).end();
      } else if (pathname === "/hash") {
        const hash = createHash("sha256");
        request.on("data", (chunk: Buffer) => hash.update(chunk));
        request.once("end", () => response.end(hash.digest("hex")));
      } else if (pathname === "/bytes") {
        const bytes = Number(searchParams.get("bytes"));
        void pipeline(Readable.from(chunksOf(bytes)), response).catch(() => undefined);
      } else if (pathname === "/gzip") {
        response.writeHead(200, { "Content-Encoding": "gzip" });
        response.end(gzipSync(request.headers["accept-encoding"] ?? "none"));
      } else if (pathname === "/trailers") {
        response.writeHead(200, { Trailer: "X-Sum" });
        response.write("body");
        response.addTrailers({ "X-Sum": "4" });
        response.end();
      } else if (pathname === "/echo") {
        response.writeHead(200);
        request.pipe(response);
      } else if (pathname !== "/never") {
        response.end(JSON.stringify({ url, headers: request.headers }));
      }
    });
    this.#server.on("upgrade", (request, socket, head) => {
      this.seen.push(request.url ?? "");
      socket.on("error", () => undefined);
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
      );
      socket.write(head);
      socket.pipe(socket);
    });
  }

  async listen(address: string): Promise<number> {
    this.#server.listen(0, address);
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    return Promise.resolve();
  }
}

function* chunksOf(bytes: number): Generator<Buffer> {
  const chunk = Buffer.alloc(64 * 1024, "spokeway");
  for (let sent = 0; sent < bytes; sent += chunk.length) yield chunk;
}

describe("every kind of call to a managed cluster", { timeout: 300_000 }, () => {
  let bed: GatewayBed;
  let authority: TestAuthority;
  const web = new WebService();
  const sessions: ClientHttp2Session[] = [];
  const clients: Record<string, Client> = {};
  const roads: Record<string, Road> = {};

  before(async () => {
    authority = await makeAuthority("gateway-ca");
    bed = await GatewayBed.start();
    await bed.startGateway(authority);
    await bed.managed.apply(grantManifest);
    await bed.writeCluster("managed1", "Const", {
      endpoint: bed.managed.server,
      "ca.crt": await bed.managedCa(),
      token: await bed.token(),
    });
    const address = ownAddress();
    const port = await web.listen(address);
    await serveAsPod(bed, address, port);
    Object.assign(roads, await openRoads(bed, authority));
    for (const [name, road] of Object.entries(roads)) {
      clients[`${name}, HTTP/1.1`] = h1Client(road);
      const session = h2Session(road);
      sessions.push(session);
      clients[`${name}, HTTP/2`] = h2Client(session, road.headers);
    }
    await waitFor(
      "the service",
      async () => {
        const { status, body } = await ask("hub, HTTP/1.1", { path: `${service}/` });
        if (status !== 200) throw new Error(`${status} ${body.toString()}`);
        return true;
      },
      { limitMs: 30_000 },
    );
    await waitFor("the door", async () => {
      const { status } = await ask("door, HTTP/1.1", { path: "/healthz" });
      return status === 200;
    });
  });
  after(async () => {
    for (const session of sessions) session.destroy();
    await web[Symbol.asyncDispose]();
    await bed[Symbol.asyncDispose]();
  });

  const ask = async (client: string, call: Call): Promise<Answer> => {
    const send = clients[client];
    assert.ok(send);
    return send({ ...call, path: prefix + call.path });
  };

  for (const name of ["hub, HTTP/1.1", "hub, HTTP/2", "door, HTTP/1.1", "door, HTTP/2"]) {
    const road = name.split(",", 1)[0] ?? "";

    it(`keeps trailing slashes, encoded slashes and queries: ${name}`, async () => {
      const { body } = await ask(name, { path: `${service}/a%2Fb/c/?x=1&x=2&y=%2F` });
      const { url, headers } = JSON.parse(body.toString()) as {
        url: string;
        headers: Record<string, string>;
      };
      // Go's API servers sort what they send on.
      assert.match(url, /^\/a%2Fb\/c\/\?x=1&x=2&y=%2F$|^\/a\/b\/c\/\?/);
      assert.equal(headers["authorization"], undefined);
      assert.equal(headers["x-remote-user"], undefined);
    });

    it(`leads redirects back through itself: ${name}`, async () => {
      const { status, headers, body } = await ask(name, { path: `${service}/redirect` });
      if (road === "hub") {
        // The hub's API server lets no aggregated API redirect its clients (CVE-2022-3172).
        assert.equal(status, 502);
        assert.match(body.toString(), /attempted to redirect this request, which is not permitted/);
        return;
      }
      assert.equal(status, 302);
      const origin = roads[road]?.origin ?? "";
      const location = new URL(String(headers["location"]), origin);
      assert.equal(location.origin, origin);
      assert.equal(location.pathname + location.search, `${prefix}${service}/target/?a=b`);
      const followed = await ask(name, { path: `${service}/target/?a=b` });
      assert.equal(followed.status, 200);
    });

    it(`refuses ways out of the path: ${name}`, async () => {
      for (const path of ["/api/%2e%2e/apis", "/api/..%2fapis", "/api/%5c..%5capis"]) {
        assert.equal((await ask(name, { path })).status, 400, path);
      }
    });

    it(`carries large bodies both ways: ${name}`, async () => {
      const isLongest = name === "hub, HTTP/1.1" || name === "door, HTTP/2";
      const bytes = (isLongest ? 100 : 10) * megabyte;
      const wanted = createHash("sha256");
      for (const chunk of chunksOf(bytes)) wanted.update(chunk);
      const sum = wanted.digest("hex");
      const upload = { method: "POST", path: `${service}/hash`, body: chunksOf(bytes) };
      assert.equal((await ask(name, upload)).body.toString(), sum);
      const { body } = await ask(name, { path: `${service}/bytes?bytes=${bytes}` });
      assert.equal(createHash("sha256").update(body).digest("hex"), sum);
    });

    it(`asks for no compression by itself, and carries what the client asks for: ${name}`, async () => {
      const asked = await ask(name, {
        path: `${service}/gzip`,
        headers: { "accept-encoding": "gzip" },
      });
      assert.equal(asked.headers["content-encoding"], "gzip");
      assert.equal(gunzipSync(asked.body).toString(), "gzip");
    });

    it(`carries trailers: ${name}`, async () => {
      const { body, trailers } = await ask(name, { path: `${service}/trailers` });
      assert.equal(body.toString(), "body");
      assert.equal(trailers["x-sum"], "4");
    });
  }

  for (const road of ["hub", "door"]) {
    it(`waits with a body until it is told to go on: ${road}`, async () => {
      const { origin, ca, pair, headers } = roads[road] ?? assert.fail();
      const request = requestHttps(`${origin}${prefix}${service}/hash`, {
        method: "POST",
        ca,
        ...pair,
        headers: { ...headers, Expect: "100-continue" },
        agent: false,
      });
      const answered = once(request, "response") as Promise<[IncomingMessage]>;
      request.flushHeaders();
      await once(request, "continue");
      const body = randomBytes(1000);
      request.end(body);
      const [response] = await answered;
      const wanted = createHash("sha256").update(body).digest("hex");
      assert.equal((await buffer(response)).toString(), wanted);
    });

    it(`tells the service at once that a client has left: ${road}`, async () => {
      const { origin, ca, pair, headers } = roads[road] ?? assert.fail();
      const path = `${service}/never?from=${road}`;
      const request = requestHttps(origin + prefix + path, { ca, ...pair, headers, agent: false });
      request.on("error", () => undefined);
      request.end();
      await waitFor("the call", async () => web.seen.includes(`/never?from=${road}`));
      request.destroy();
      // Far sooner than any limit on how long a call may last.
      await waitFor("its end", async () => web.abandoned.includes(`/never?from=${road}`));
    });

    it(`carries a WebSocket service: ${road}`, async () => {
      const { origin, ca, pair, headers } = roads[road] ?? assert.fail();
      const request = requestHttps(`${origin}${prefix}${service}/socket?a=b`, {
        ca,
        ...pair,
        headers: { ...headers, Connection: "Upgrade", Upgrade: "websocket" },
        agent: false,
      });
      request.end();
      const [, socket] = (await once(request, "upgrade")) as [
        IncomingMessage,
        NodeJS.ReadWriteStream,
      ];
      socket.write("echoed");
      const [chunk] = (await once(socket as never, "data")) as [Buffer];
      assert.equal(chunk.toString(), "echoed");
      // The managed API server itself forgets the query of an upgrade to a service.
      assert.match(web.seen.at(-1) ?? "", /^\/socket(\?a=b)?$/);
      socket.end();
    });

    it(`carries both directions of one call at the same time: ${road}`, async () => {
      const { origin, ca, pair, headers } = roads[road] ?? assert.fail();
      const request = requestHttps(`${origin}${prefix}${service}/echo`, {
        method: "POST",
        ca,
        ...pair,
        headers: { ...headers },
        agent: false,
      });
      const answered = once(request, "response") as Promise<[IncomingMessage]>;
      request.write("one");
      const [response] = await answered;
      const [first] = (await once(response, "data")) as [Buffer];
      request.end("two");
      const rest = await buffer(response);
      assert.equal(first.toString() + rest.toString(), "onetwo");
    });
  }

  it("misses nothing and says nothing twice to an informer, while API server and gateway restart", async () => {
    const through = await bed.kubeconfigThrough("managed1");
    const client = await createKubeClient({ kubeconfig: through, userAgent: "informer" });
    const cache = createObjectCache(client, configMaps, {
      namespace: "default",
      labelSelector: "counted",
      log: silentLogger,
    });
    const told = new Map<string, string[]>();
    cache.onChange(({ key, after: object, before: old }) => {
      const what = object === undefined ? "gone" : (object.data?.["n"] ?? "?");
      const list = told.get(key) ?? [];
      list.push(old === undefined ? `new ${what}` : what);
      told.set(key, list);
    });
    const stop = new AbortController();
    const running = cache.run(stop.signal);
    await cache.waitForSync(AbortSignal.timeout(20_000));
    let count = 0;
    const path = "/api/v1/namespaces/default/configmaps";
    const write = async () => {
      count += 1;
      const n = String(count);
      const labels = { counted: "yes" };
      const made = { metadata: { name: `counted-${n}`, labels }, data: { n } };
      await bed.managed.api.create(path, made);
      if (count === 1) return;
      const first = { metadata: { name: "counted-1", labels }, data: { n } };
      await bed.managed.api.send({ method: "PUT", path: `${path}/counted-1`, body: first });
    };
    const writeSome = async () => {
      for (let times = 0; times < 10; times += 1) await write();
    };
    try {
      await writeSome();
      await bed.managed.restart("kube-apiserver");
      await bed.managed.ready();
      await writeSome();
      await bed.stopGateway();
      await writeSome();
      await bed.startGateway(authority, { metrics: createMetrics() });
      await writeSome();
      await waitFor(
        "the last object",
        async () => cache.get(`default/counted-${count}`) !== undefined,
      );
      await waitFor(
        "the last change",
        async () => cache.get("default/counted-1")?.data?.["n"] === String(count),
      );
      for (let n = 2; n <= count; n += 1) {
        assert.deepEqual(told.get(`default/counted-${n}`), [`new ${n}`]);
      }
      const [begin, ...changes] = told.get("default/counted-1") ?? [];
      assert.equal(begin, "new 1");
      const numbers = changes.map(Number);
      assert.deepEqual(
        numbers,
        [...new Set(numbers)].toSorted((a, b) => a - b),
      );
    } finally {
      stop.abort();
      await running;
    }
  });
});

/** API servers proxy to what a Service's pods listen on, and to nothing else. */
async function serveAsPod({ managed: { api } }: GatewayBed, ip: string, port: number) {
  const root = "/api/v1/namespaces/default";
  const metadata = { name: "web" };
  await api.create(`${root}/serviceaccounts`, { metadata: { name: "default" } });
  const spec = { containers: [{ name: "web", image: "web" }], automountServiceAccountToken: false };
  await api.create(`${root}/pods`, { metadata, spec });
  const { body: pod } = await api.send({ path: `${root}/pods/web` });
  const status = { phase: "Running", podIP: ip, podIPs: [{ ip }] };
  await api.send({
    method: "PUT",
    path: `${root}/pods/web/status`,
    body: { ...(pod as object), status },
  });
  const { uid } = (pod as { metadata: { uid: string } }).metadata;
  const targetRef = { kind: "Pod", namespace: "default", name: "web", uid };
  const ports = [{ name: "http", port }];
  await api.create(`${root}/services`, { metadata, spec: { ports: [{ name: "http", port: 80 }] } });
  const subsets = [{ addresses: [{ ip, targetRef }], ports }];
  await api.create(`${root}/endpoints`, { metadata, subsets });
}
