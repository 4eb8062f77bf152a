import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { describe, it } from "node:test";
import { ReceiveBudget } from "../flow/shared-receiver.ts";
import type { PacketStream } from "../rpc/packet-stream.ts";
import { parseIdentifiers } from "../wire/identifiers.ts";
import type { OutgoingPacket } from "../wire/packet.ts";
import { type AgentListener, Backend } from "./backend.ts";
import { Backends, type StrategyName } from "./backends.ts";

/** A stream that takes everything at once and remembers it. */
class RecordingStream extends EventEmitter implements PacketStream {
  readonly sent: OutgoingPacket[] = [];
  write(packet: OutgoingPacket, done?: () => void): boolean {
    this.sent.push(packet);
    done?.();
    return true;
  }
  end(): void {
    this.emit("end");
  }
  pause(): void {
    this.emit("pause");
  }
  resume(): void {
    this.emit("resume");
  }
}

let lastId = 0n;

function makeBackend(agentId: string, identifiers = "", stream = new RecordingStream()): Backend {
  lastId += 1n;
  return new Backend({
    id: lastId,
    agentId,
    identifiers: parseIdentifiers(identifiers),
    stream,
    takesEarlyData: true,
    budget: new ReceiveBudget(),
    onUnrecognizedAnswer: () => undefined,
    onDrain: () => undefined,
  });
}

interface Heard {
  readonly packets: string[];
  gone: number;
}

function makeListener(): AgentListener & Heard {
  const heard: Heard = { packets: [], gone: 0 };
  return Object.assign(heard, {
    fromAgent: (packet: { readonly type: string }) => void heard.packets.push(packet.type),
    agentGone: () => void (heard.gone += 1),
    roomToAgent: () => undefined,
    readerStalled: () => undefined,
  });
}

function makeBackends(names: readonly StrategyName[], ...all: readonly Backend[]): Backends {
  const backends = new Backends(names, () => 0);
  for (const backend of all) backends.add(backend);
  return backends;
}

describe("Backends.pick()", () => {
  it("finds by destination host among hosts and addresses", () => {
    const [a, b] = [makeBackend("a", "host=one&ipv4=10.0.0.1"), makeBackend("b", "host=two")];
    const backends = makeBackends(["destHost"], a, b);
    assert.equal(backends.pick("one:443"), a);
    assert.equal(backends.pick("10.0.0.1:443"), a);
    assert.equal(backends.pick("two:443"), b);
    assert.equal(backends.pick("three:443"), undefined);
  });

  it("compares hosts exactly", () => {
    assert.equal(makeBackends(["destHost"], makeBackend("a", "host=one")).pick("One:1"), undefined);
  });

  it("asks the strategies in their order", () => {
    const [any, one] = [makeBackend("any"), makeBackend("one", "host=one")];
    const backends = makeBackends(["destHost", "default"], any, one);
    assert.equal(backends.pick("one:1"), one);
    assert.notEqual(backends.pick("two:1"), undefined);
  });

  it("offers agents with a default route for anything", () => {
    const backends = makeBackends(["defaultRoute"], makeBackend("a"));
    assert.equal(backends.pick("one:1"), undefined);
    const routed = makeBackend("b", "default-route=true");
    backends.add(routed);
    assert.equal(backends.pick("one:1"), routed);
  });

  it("takes the one with the least to do", () => {
    const [busy, free] = [makeBackend("a", "host=one"), makeBackend("b", "host=one")];
    busy.open(makeListener());
    assert.equal(makeBackends(["destHost"], busy, free).pick("one:1"), free);
  });

  it("takes a draining one only when there is no other", () => {
    const [draining, busy] = [makeBackend("a", "host=one"), makeBackend("b", "host=one")];
    draining.handle({ type: "drain" });
    busy.open(makeListener());
    const backends = makeBackends(["destHost"], draining, busy);
    assert.equal(backends.pick("one:1"), busy);
    backends.remove(busy);
    assert.equal(backends.pick("one:1"), draining);
    backends.remove(draining);
    assert.equal(backends.pick("one:1"), undefined);
  });

  it("keeps a host while one of its agents is left, and counts it once", () => {
    const [a, b] = [makeBackend("x", "host=one"), makeBackend("x", "host=one")];
    const backends = makeBackends(["destHost"], a, b);
    backends.remove(a);
    assert.deepEqual(backends.sizes(), [["destHost", 1]]);
    assert.equal(backends.isEmpty, false);
    backends.remove(b);
    assert.equal(backends.isEmpty, true);
  });
});

describe("Backend", () => {
  it("keeps two streams of one agent apart although both count from 1", () => {
    const listeners = [makeListener(), makeListener()] as const;
    const backends = [makeBackend("a"), makeBackend("a")] as const;
    const paths = listeners.map((listener, index) => backends[index]?.open(listener));
    for (const path of paths) path?.establish(1n);
    backends[0].handle({ type: "data", connectionId: 1n, bytes: Buffer.from("x") });
    assert.deepEqual([listeners[0].packets, listeners[1].packets], [["data"], []]);
  });

  it("closes what an agent opened for a dial that nobody waits for", () => {
    const stream = new RecordingStream();
    const backend = makeBackend("a", "", stream);
    backend.handle({ type: "dialResponse", dialId: 4n, connectionId: 7n, error: "" });
    assert.deepEqual(stream.sent, [{ type: "closeRequest", connectionId: 7n }]);
  });

  it("asks once to close a connection that it does not know", () => {
    const stream = new RecordingStream();
    const backend = makeBackend("a", "", stream);
    const data = { type: "data", connectionId: 7n, bytes: Buffer.from("x") } as const;
    backend.handle(data);
    backend.handle(data);
    assert.deepEqual(stream.sent, [{ type: "closeRequest", connectionId: 7n }]);
  });

  it("does not answer for a connection that is being closed", () => {
    const stream = new RecordingStream();
    const backend = makeBackend("a", "", stream);
    const listener = makeListener();
    const path = backend.open(listener);
    path.establish(7n);
    path.release();
    backend.handle({ type: "data", connectionId: 7n, bytes: Buffer.from("x") });
    backend.handle({ type: "closeResponse", connectionId: 7n, error: "" });
    assert.deepEqual([stream.sent, listener.packets], [[], []]);
  });

  it("tells everybody who waits when the agent goes", () => {
    const [dialling, open] = [makeListener(), makeListener()];
    const backend = makeBackend("a");
    backend.open(dialling);
    backend.open(open).establish(1n);
    backend.close();
    assert.deepEqual([dialling.gone, open.gone], [1, 1]);
  });

  it("counts dials and connections until they are released", () => {
    const backend = makeBackend("a");
    const paths = [backend.open(makeListener()), backend.open(makeListener())];
    paths[0]?.establish(1n);
    assert.equal(backend.load, 2);
    for (const path of paths) path.release();
    assert.equal(backend.load, 0);
  });
});
