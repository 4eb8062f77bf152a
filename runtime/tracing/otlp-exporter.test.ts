import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { describe, it } from "node:test";
import { silentLogger } from "../logger.ts";
import { createMetrics } from "../metrics.ts";
import { createOtlpExporter } from "./otlp-exporter.ts";
import type { FinishedSpan } from "./tracer.ts";

const span = (name: string): FinishedSpan => ({
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  spanId: "00f067aa0ba902b7",
  parentSpanId: undefined,
  state: undefined,
  name,
  kind: "internal",
  startedAtMs: 1,
  endedAtMs: 2,
  attributes: {},
  error: undefined,
});

interface Posted {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly { readonly spans: readonly { readonly name: string }[] }[];
  }[];
}

/** A collector that answers as told, and what became of the spans `a`, `b` and `c`. */
async function exportTo(status: number, capacity: number) {
  const batches: (readonly string[])[] = [];
  const fields: (string | undefined)[] = [];
  const collector = createServer((request, response) => {
    fields.push(request.headers["content-type"], request.headers["x-key"] as string);
    void json(request).then((body) => {
      const spans = (body as Posted).resourceSpans[0]?.scopeSpans[0]?.spans ?? [];
      batches.push(spans.map(({ name }) => name));
      response.writeHead(status).end("{}");
    });
  });
  collector.listen(0, "127.0.0.1");
  await once(collector, "listening");
  const metrics = createMetrics();
  const exporter = createOtlpExporter({
    url: new URL(`http://127.0.0.1:${(collector.address() as AddressInfo).port}/v1/traces`),
    headers: { "x-key": "k" },
    resource: { "service.name": "test" },
    metrics,
    log: silentLogger,
    capacity,
    batchSize: 2,
  });
  for (const name of ["a", "b", "c"]) exporter.add(span(name));
  const stop = new AbortController();
  stop.abort();
  await exporter.run(stop.signal);
  collector.closeAllConnections();
  collector.close();
  return { batches, fields, text: await metrics.text() };
}

describe("createOtlpExporter()", () => {
  it("posts what waits in batches, also when it is asked to end", async () => {
    const { batches, fields, text } = await exportTo(200, 10);
    assert.deepEqual(batches, [["a", "b"], ["c"]]);
    assert.deepEqual(fields.slice(0, 2), ["application/json", "k"]);
    assert.match(text, /spans_total\{result="exported"\} 3/);
  });

  it("drops and counts what is more than may wait", async () => {
    const { batches, text } = await exportTo(200, 2);
    assert.deepEqual(batches, [["a", "b"]]);
    assert.match(text, /spans_total\{result="dropped"\} 1/);
  });

  it("loses and counts what a collector does not take, and does not try for ever", async () => {
    const { batches, text } = await exportTo(503, 10);
    assert.deepEqual(batches, [["a", "b"]]);
    assert.match(text, /spans_total\{result="failed"\} 2/);
  });
});
