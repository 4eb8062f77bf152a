import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { type Duplex, duplexPair } from "node:stream";
import { describe, it } from "node:test";
import type { Packet } from "../wire/packet.ts";
import { ConnectStream } from "./connect-stream.ts";

/** A client's end, the stream at the server's, and what the stream told. */
function start(head = "") {
  const [client, socket] = duplexPair({ allowHalfOpen: true });
  client.on("error", () => undefined);
  const destroySoon = () => void socket.end(() => socket.destroy());
  const stream = new ConnectStream(
    Object.assign(socket, { destroySoon }) as unknown as Socket,
    Buffer.from(head),
  );
  const told: string[] = [];
  stream.on("data", (packet: Packet) => {
    told.push(packet.type === "data" ? `data ${packet.bytes.toString()}` : packet.type);
  });
  stream.on("end", () => told.push("end"));
  return { client, stream, told };
}

async function heard(client: Duplex): Promise<string> {
  const [bytes] = (await once(client, "data")) as [Buffer];
  return bytes.toString();
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 5));
const open = { type: "dialResponse", dialId: 1n, connectionId: 7n, error: "" } as const;
const established = "HTTP/1.1 200 Connection Established\r\n\r\n";

describe("ConnectStream", () => {
  it("keeps what the client sends too early until the dial is answered", async () => {
    const { client, stream, told } = start("head ");
    client.write("early");
    await settle();
    assert.deepEqual(told, []);
    stream.write(open);
    assert.equal(await heard(client), established);
    assert.deepEqual(told, ["data head ", "data early"]);
  });

  it("stops reading a client that sends too much too early, and goes on afterwards", async () => {
    const { client, stream, told } = start("x".repeat(70_000));
    client.write("more");
    await settle();
    stream.write(open);
    await settle();
    assert.deepEqual(
      told.map(({ length }) => length),
      ["data ".length + 70_000, "data more".length],
    );
  });

  it("tells that a client is gone while its dial is pending", async () => {
    const { client, told } = start();
    client.end();
    await settle();
    assert.deepEqual(told, ["end"]);
  });

  it("asks to close when the client ends, and still carries what comes", async () => {
    const { client, stream, told } = start();
    stream.write(open);
    await heard(client);
    client.end();
    await settle();
    assert.deepEqual(told, ["closeRequest"]);
    stream.write({ type: "data", connectionId: 7n, bytes: Buffer.from("late answer") });
    assert.equal(await heard(client), "late answer");
    stream.write({ type: "closeResponse", connectionId: 7n, error: "" });
    client.resume();
    await once(client, "end");
  });

  it("answers a dial that failed with a response, and ends", async () => {
    const { client, stream } = start();
    const ended = once(client, "end");
    stream.write({ ...open, connectionId: 0n, error: "No agent available" });
    assert.match(await heard(client), /^HTTP\/1\.1 500 .*no tunnels available/s);
    await ended;
  });
});
