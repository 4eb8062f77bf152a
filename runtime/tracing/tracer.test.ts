import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { otlpRequest } from "./otlp-json.ts";
import { createTracer, type FinishedSpan, traced } from "./tracer.ts";

function setUp(ratio = 1) {
  const spans: FinishedSpan[] = [];
  let clock = 1000;
  const tracer = createTracer({ ratio, export: (span) => spans.push(span), now: () => clock });
  return { spans, tracer, pass: (ms: number) => void (clock += ms) };
}

const client = {
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  spanId: "00f067aa0ba902b7",
  isSampled: true,
  state: "a=1",
};

describe("createTracer()", () => {
  it("goes on with a client's trace, and nests what runs within", async () => {
    const { spans, tracer, pass } = setUp();
    const told = await tracer.span("request", { kind: "server", parent: client }, async (span) => {
      span.add({ cluster: "a" });
      await traced(tracer, "inner", async () => {
        pass(5);
        tracer.current()?.add({ deep: true });
      });
      pass(2);
      return "done";
    });
    assert.equal(told, "done");
    const [inner, outer] = spans;
    assert.ok(inner && outer);
    assert.deepEqual([inner.name, outer.name], ["inner", "request"]);
    assert.deepEqual([outer.traceId, inner.traceId], [client.traceId, client.traceId]);
    assert.deepEqual([outer.parentSpanId, inner.parentSpanId], [client.spanId, outer.spanId]);
    assert.deepEqual([outer.attributes, inner.attributes], [{ cluster: "a" }, { deep: true }]);
    assert.deepEqual([inner.endedAtMs, outer.endedAtMs], [1005, 1007]);
    assert.equal(tracer.current(), undefined);
  });

  it("keeps apart what runs side by side", async () => {
    const { spans, tracer } = setUp();
    const one = async (name: string) =>
      tracer.span(name, { parent: undefined }, async () => {
        await new Promise(setImmediate);
        await traced(tracer, `${name}-inner`, async () => undefined);
      });
    await Promise.all([one("a"), one("b")]);
    for (const name of ["a", "b"]) {
      const inner = spans.find((span) => span.name === `${name}-inner`);
      assert.equal(inner?.parentSpanId, spans.find((span) => span.name === name)?.spanId);
    }
  });

  it("names the kind of a failure, and none of its words", async () => {
    const { spans, tracer } = setUp();
    const failure = Object.assign(new TypeError("token abc"), { code: "bad" });
    await assert.rejects(
      tracer.span("a", {}, () => Promise.reject(failure)),
      failure,
    );
    assert.equal(spans[0]?.error, "TypeError bad");
  });

  it("records what its client records, and of its own traces as many as it is told to", async () => {
    const { spans, tracer } = setUp(0);
    const run = async (parent: typeof client | undefined) =>
      tracer.span("a", { parent }, async ({ context }) => context);
    await run(client);
    assert.equal(spans.length, 1);
    const silent = await run({ ...client, isSampled: false });
    assert.deepEqual([silent.isSampled, silent.traceId], [false, client.traceId]);
    const own = await run(undefined);
    assert.deepEqual([own.isSampled, spans.length], [false, 1]);
    const half = setUp(0.5);
    for (let count = 0; count < 400; count += 1) {
      await half.tracer.span("a", { parent: undefined }, async () => undefined);
    }
    assert.ok(half.spans.length > 100 && half.spans.length < 300, String(half.spans.length));
  });

  it("is not needed: without one, work is just done", async () => {
    assert.equal(await traced(undefined, "a", async () => 1), 1);
  });
});

describe("otlpRequest()", () => {
  it("writes spans as OTLP does in JSON: ids in hexadecimal, 64-bit numbers as text", () => {
    const span: FinishedSpan = {
      traceId: client.traceId,
      spanId: "b7ad6b7169203331",
      parentSpanId: client.spanId,
      state: "a=1",
      name: "upstream",
      kind: "client",
      startedAtMs: 1_790_000_000_000.25,
      endedAtMs: 1_790_000_000_001,
      attributes: { text: "a", count: 3, share: 0.5, isGood: true },
      error: "GatewayError timeout",
    };
    const { resourceSpans } = otlpRequest({ "service.name": "g" }, [span]) as {
      resourceSpans: { resource: unknown; scopeSpans: { spans: unknown[] }[] }[];
    };
    assert.deepEqual(resourceSpans[0]?.resource, {
      attributes: [{ key: "service.name", value: { stringValue: "g" } }],
    });
    assert.deepEqual(resourceSpans[0].scopeSpans[0]?.spans, [
      {
        traceId: client.traceId,
        spanId: "b7ad6b7169203331",
        parentSpanId: client.spanId,
        traceState: "a=1",
        name: "upstream",
        kind: 3,
        startTimeUnixNano: "1790000000000250000",
        endTimeUnixNano: "1790000000001000000",
        attributes: [
          { key: "text", value: { stringValue: "a" } },
          { key: "count", value: { intValue: "3" } },
          { key: "share", value: { doubleValue: 0.5 } },
          { key: "isGood", value: { boolValue: true } },
        ],
        status: { code: 2, message: "GatewayError timeout" },
      },
    ]);
  });
});
