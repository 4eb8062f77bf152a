import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { after, before, describe, it } from "node:test";
import { findTools, konnectivityTools, waitFor } from "#bed";
import {
  eventually,
  type GoKonnectivity,
  type GoPrograms,
  type LoopbackTunnel,
  openGoKonnectivity,
  openLoopbackTunnel,
  ourTunnelPrograms,
  startBalancer,
  TunnelProcesses,
} from "#testing";
import type { TunnelClient } from "./client/tunnel-client.ts";
import { TunnelError } from "./tunnel-error.ts";

type Maker = "ours" | "Go";
const never = new AbortController().signal;
const tools = await findTools(konnectivityTools);

function programsOf(version: string): GoPrograms {
  const path = (name: string) => tools.path(`konnectivity-${name}-${version}`);
  return { server: path("server"), agent: path("agent"), client: path("test-client") };
}

/** A server and an agent, each ours or Go's, and the means to dial through them. */
async function startTunnel(version: string, makers: { server: Maker; agent: Maker }) {
  const tunnel = await openLoopbackTunnel();
  const go = await openGoKonnectivity(programsOf(version));
  const { frontendAuthority: frontends, agentAuthority: agents } = tunnel;
  const ports =
    makers.server === "ours"
      ? (await tunnel.startServer()).it.ports
      : (await go.startServer({ frontends, agents })).ports;
  const client = await tunnel.startClient([ports.frontends]);
  const stopAgent = await startAgent(makers.agent, tunnel, go, ports.agents);
  await eventually(() => client.it.reasonNotReady() === undefined, "the client is connected");
  return {
    tunnel,
    go,
    ports,
    client: client.it,
    stopAgent,
    dial: (port: number) => dialOnceServed(client.it, port),
    async [Symbol.asyncDispose]() {
      await Promise.all([go[Symbol.asyncDispose](), tunnel[Symbol.asyncDispose]()]);
    },
  };
}

type Tunnel = Awaited<ReturnType<typeof startTunnel>>;

async function startAgent(
  maker: Maker,
  tunnel: LoopbackTunnel,
  go: GoKonnectivity,
  agentPort: number,
): Promise<(signal: NodeJS.Signals) => void> {
  if (maker === "ours") {
    const agent = await tunnel.startAgent({ agentPort });
    return () => void agent.stop();
  }
  const agent = await go.startAgent({ authority: tunnel.agentAuthority, port: agentPort });
  return (signal) => agent.signal(signal);
}

/** Dials; waits for the agent, which may need a moment to connect. */
async function dialOnceServed(client: TunnelClient, port: number): Promise<Duplex> {
  for (let tries = 0; ; tries += 1) {
    try {
      const connection = await client.dial("127.0.0.1", port, never);
      // What ends it with the tunnel at the end of a test is of no interest.
      return connection.on("error", () => undefined);
    } catch (error) {
      const isEarly = error instanceof TunnelError && error.code === "no_agent";
      if (!isEarly || tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function readAll(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const delay = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const makers = [
  { server: "Go", agent: "ours" },
  { server: "ours", agent: "Go" },
  { server: "Go", agent: "Go" },
  { server: "ours", agent: "ours" },
] as const;

/** What a tunnel has to do whoever made its ends. In this order: the last one ends the agent. */
const duties: Readonly<Record<string, (all: Tunnel) => Promise<void>>> = {
  "carries megabytes both ways at once, unchanged": async (all) => {
    const port = await all.tunnel.startTarget((socket) => socket.pipe(socket));
    const connection = await all.dial(port);
    const sent = randomBytes(4 * 1024 * 1024);
    const hash = createHash("sha256");
    let length = 0;
    const echoed = new Promise<void>((resolve) => {
      connection.on("data", (chunk: Buffer) => {
        hash.update(chunk);
        length += chunk.length;
        if (length === sent.length) resolve();
      });
    });
    connection.write(sent);
    await echoed;
    assert.equal(hash.digest("hex"), sha256(sent));
    connection.end();
    await once(connection, "close");
  },
  "delivers everything before a close of the target": async (all) => {
    const sent = randomBytes(2 * 1024 * 1024);
    const port = await all.tunnel.startTarget((socket) => socket.end(sent));
    assert.equal(sha256(await readAll(await all.dial(port))), sha256(sent));
  },
  "closes the target when the frontend closes": async (all) => {
    const got = Promise.withResolvers<Buffer>();
    const port = await all.tunnel.startTarget((socket) => void readAll(socket).then(got.resolve));
    const connection = await all.dial(port);
    connection.write("hello");
    // A Go agent drops what it has not written when it is asked to close.
    await delay(100);
    connection.end();
    assert.equal((await got.promise).toString(), "hello");
  },
  "reports a refused dial in the same words": async (all) => {
    await assert.rejects(all.dial(1), {
      code: "dial_refused",
      message: /dial tcp 127\.0\.0\.1:1: connect: connection refused/,
    });
  },
  "reports a host that no agent serves": async (all) => {
    await assert.rejects(all.client.dial("elsewhere", 80, never), { code: "no_agent" });
  },
  "carries fifty connections at once without mixing them up": async (all) => {
    const port = await all.tunnel.startTarget((socket) => socket.pipe(socket));
    await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const connection = await all.dial(port);
        const sent = Buffer.alloc(10_000, String(index));
        connection.write(sent);
        let got = Buffer.alloc(0);
        while (got.length < sent.length) {
          const [chunk] = (await once(connection, "data")) as [Buffer];
          got = Buffer.concat([got, chunk]);
        }
        assert.ok(got.equals(sent));
        connection.destroy();
      }),
    );
  },
  "answers an HTTP request of Go's client": async (all) => {
    await using server = createServer((_request, response) => response.end("through the tunnel"));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const url = new URL(`http://127.0.0.1:${port}/any`);
    const { frontendAuthority: authority } = all.tunnel;
    const client = await all.go.request({ authority, port: all.ports.frontends, url });
    assert.equal(await client.exited, 0, client.output);
    assert.match(client.output, /through the tunnel/);
    server.closeAllConnections();
  },
  "tells a connection that its agent is gone": async (all) => {
    const port = await all.tunnel.startTarget(() => undefined);
    const connection = await all.dial(port);
    // Go's server says so with an error or without one.
    const closed = new Promise((resolve) => {
      connection.once("close", resolve).once("end", resolve).resume();
    });
    all.stopAgent("SIGKILL");
    await closed;
  },
};

for (const version of ["0.36", "0.34"]) {
  for (const { server, agent } of makers) {
    describe(`server: ${server}, agent: ${agent}, Go ${version}`, () => {
      let all: Tunnel;
      before(async () => {
        all = await startTunnel(version, { server, agent });
      });
      after(() => all[Symbol.asyncDispose]());
      for (const [name, duty] of Object.entries(duties)) it(name, () => duty(all));
    });
  }

  describe(`draining, Go ${version}`, () => {
    it("an agent of Go's is passed over by our server", async () => {
      await using all = await startTunnel(version, { server: "ours", agent: "Go" });
      const port = await all.tunnel.startTarget((socket) => socket.pipe(socket));
      const old = await all.dial(port);
      const other = await all.tunnel.startAgent({ agentPort: all.ports.agents });
      all.stopAgent("SIGTERM");
      // These versions say so only once something comes over their stream.
      await delay(100);
      old.write("still there");
      const [answer] = (await once(old, "data")) as [Buffer];
      assert.equal(answer.toString(), "still there");
      await delay(200);
      for (let count = 1; count <= 5; count += 1) {
        await all.dial(port);
        assert.equal(other.it.openConnections, count);
      }
    });

    it("an agent of ours lets its connections over a Go server end", async () => {
      await using all = await startTunnel(version, { server: "Go", agent: "ours" });
      const port = await all.tunnel.startTarget((socket) => socket.pipe(socket));
      const old = await all.dial(port);
      all.stopAgent("SIGTERM");
      await delay(100);
      old.write("still there");
      const [answer] = (await once(old, "data")) as [Buffer];
      assert.equal(answer.toString(), "still there");
      old.end();
      await once(old.resume(), "close");
    });
  });

  describe(`two servers behind one address, Go ${version}`, () => {
    for (const maker of ["ours", "Go"] as const) {
      it(`are found by number; servers: ${maker === "ours" ? "ours" : "Go's"}`, async () => {
        await using tunnel = await openLoopbackTunnel();
        await using go = await openGoKonnectivity(programsOf(version));
        const { frontendAuthority: frontends, agentAuthority: agents } = tunnel;
        const flags = ["--server-count=2"];
        const start = async (serverId: string) => {
          if (maker === "Go") return go.startServer({ frontends, agents, flags });
          return (await tunnel.startServer({ serverId, serverCount: () => 2 })).it;
        };
        const servers = await Promise.all([start("one"), start("two")]);
        await using door = await startBalancer(servers.map(({ ports }) => ports.agents));
        const clients = await Promise.all(
          servers.map(({ ports }) => tunnel.startClient([ports.frontends])),
        );
        const port = await tunnel.startTarget((socket) => socket.end("hi"));
        const reachesBoth = async () => {
          for (const { it: client } of clients) {
            assert.equal((await readAll(await dialOnceServed(client, port))).toString(), "hi");
          }
        };
        const ours = await tunnel.startAgent({ agentPort: door.port });
        await reachesBoth();
        await ours.stop();
        await go.startAgent({ authority: agents, port: door.port });
        await reachesBoth();
      });
    }
  });
}

describe("HTTP CONNECT", () => {
  const versions = ["0.36", "0.34"];
  for (const frontends of ["port", "socket"] as const) {
    it(`serves Go's clients over a ${frontends}`, async () => {
      await using processes = await TunnelProcesses.open();
      await using target = createServer((_request, response) => response.end("by CONNECT"));
      target.listen(0, "127.0.0.1");
      await once(target, "listening");
      const { port } = target.address() as AddressInfo;
      const flags = ["--mode=http-connect", "--proxy-strategies=default"];
      const server = await processes.startServer(ourTunnelPrograms, { frontends, flags });
      const agent = await processes.startAgent(ourTunnelPrograms, { port: server.ports.agents });
      await waitFor("the agent", async () => (await agent.get("/readyz")).status === 200);
      const door =
        frontends === "socket"
          ? [`--proxy-uds=${server.socket}`, "--proxy-host=", "--proxy-port=0"]
          : [
              "--proxy-host=127.0.0.1",
              `--proxy-port=${server.ports.frontends}`,
              ...(await processes.pairFlags(
                ["ca-cert", "client-cert", "client-key"],
                processes.frontends,
                await processes.frontends.client("frontend"),
              )),
            ];
      const request = ["--request-host=127.0.0.1", `--request-port=${port}`, "--request-path=any"];
      for (const version of versions) {
        const client = [programsOf(version).client, "--mode=http-connect", ...door, ...request];
        const { code, output } = await processes.run(client);
        assert.equal(code, 0, output);
        assert.match(output, /by CONNECT/);
      }
      target.closeAllConnections();
    });
  }
});
