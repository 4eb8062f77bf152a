import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { describe, it } from "node:test";
import { findTools, konnectivityTools } from "#bed";
import {
  eventually,
  type GoKonnectivity,
  type GoPrograms,
  type LoopbackTunnel,
  openGoKonnectivity,
  openLoopbackTunnel,
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
    stopAgent,
    dial: (port: number) => dialOnceServed(client.it, port),
    async [Symbol.asyncDispose]() {
      await Promise.all([go[Symbol.asyncDispose](), tunnel[Symbol.asyncDispose]()]);
    },
  };
}

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

for (const version of ["0.36", "0.34"]) {
  for (const makers of [
    { server: "Go", agent: "ours" },
    { server: "ours", agent: "Go" },
    { server: "Go", agent: "Go" },
  ] as const) {
    const name = `server: ${makers.server}, agent: ${makers.agent}, client: ours, Go ${version}`;
    describe(name, () => {
      it("carries megabytes both ways at once, unchanged", async () => {
        await using all = await startTunnel(version, makers);
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
      });

      it("delivers everything before a close of the target", async () => {
        await using all = await startTunnel(version, makers);
        const sent = randomBytes(2 * 1024 * 1024);
        const port = await all.tunnel.startTarget((socket) => socket.end(sent));
        assert.equal(sha256(await readAll(await all.dial(port))), sha256(sent));
      });

      it("closes the target when the frontend closes", async () => {
        await using all = await startTunnel(version, makers);
        const got = Promise.withResolvers<Buffer>();
        const port = await all.tunnel.startTarget(
          (socket) => void readAll(socket).then(got.resolve),
        );
        const connection = await all.dial(port);
        connection.write("hello");
        // A Go agent drops what it has not written when it is asked to close.
        await new Promise((resolve) => setTimeout(resolve, 100));
        connection.end();
        assert.equal((await got.promise).toString(), "hello");
      });

      it("reports a refused dial in the same words", async () => {
        await using all = await startTunnel(version, makers);
        await assert.rejects(all.dial(1), {
          code: "dial_refused",
          message: /dial tcp 127\.0\.0\.1:1: connect: connection refused/,
        });
      });

      it("tells a connection that its agent is gone", async () => {
        await using all = await startTunnel(version, makers);
        const port = await all.tunnel.startTarget(() => undefined);
        const connection = await all.dial(port);
        // Go's server says so with an error or without one.
        const closed = new Promise((resolve) => {
          connection.once("close", resolve).once("end", resolve).resume();
        });
        all.stopAgent("SIGKILL");
        await closed;
      });
    });
  }

  for (const makers of [
    { server: "ours", agent: "ours" },
    { server: "ours", agent: "Go" },
    { server: "Go", agent: "ours" },
  ] as const) {
    const name = `server: ${makers.server}, agent: ${makers.agent}, client: Go ${version}`;
    describe(name, () => {
      it("answers an HTTP request", async () => {
        await using all = await startTunnel(version, makers);
        await using server = createServer((_request, response) =>
          response.end("through the tunnel"),
        );
        server.listen(0, "127.0.0.1");
        await once(server, "listening");
        const { port } = server.address() as AddressInfo;
        (await all.dial(port)).destroy();
        const url = new URL(`http://127.0.0.1:${port}/any`);
        const { frontendAuthority: authority } = all.tunnel;
        const client = await all.go.request({ authority, port: all.ports.frontends, url });
        assert.equal(await client.exited, 0, client.output);
        assert.match(client.output, /through the tunnel/);
        server.closeAllConnections();
      });
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
      await new Promise((resolve) => setTimeout(resolve, 100));
      old.write("still there");
      const [answer] = (await once(old, "data")) as [Buffer];
      assert.equal(answer.toString(), "still there");
      await new Promise((resolve) => setTimeout(resolve, 200));
      for (let count = 1; count <= 5; count += 1) {
        await all.dial(port);
        assert.equal(other.it.openConnections, count);
      }
    });
  });
}
