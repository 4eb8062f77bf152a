import { request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";
import { isAborted, sleep } from "../abort.ts";
import { describeError, type Logger } from "../logger.ts";
import type { Metrics } from "../metrics.ts";
import type { Runnable } from "../runnable.ts";
import { otlpRequest } from "./otlp-json.ts";
import type { Attributes, FinishedSpan } from "./tracer.ts";

export interface OtlpExporterOptions {
  /** Where spans are posted to, as JSON. */
  readonly url: URL;
  /** Further fields of the request, e.g. the collector's own credentials. */
  readonly headers?: Readonly<Record<string, string>>;
  /** CAs that the collector must chain to, PEM; without any, the system's. */
  readonly ca?: Buffer | undefined;
  /** What all spans are of: `service.name` and the like. */
  readonly resource: Attributes;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Spans that wait at most; further ones are dropped and counted. Defaults to 2,048. */
  readonly capacity?: number;
  /** Spans in one request. Defaults to 512. */
  readonly batchSize?: number;
  /** How long a span waits for others. Defaults to 5 seconds. */
  readonly maxWaitMs?: number;
  /** How long one request may take. Defaults to 10 seconds. */
  readonly timeoutMs?: number;
}

/** Sends spans to a collector, and lets nothing wait for it. */
export interface OtlpExporter extends Runnable {
  /** Never throws. */
  add(span: FinishedSpan): void;
}

/**
 * Makes an exporter by OTLP over HTTP. A batch that is not taken is lost, and counted: traces are
 * no record, and a collector that is away must not cost memory.
 */
export function createOtlpExporter(options: OtlpExporterOptions): OtlpExporter {
  const { capacity = 2048, batchSize = 512, maxWaitMs = 5000, metrics, log } = options;
  const spans = metrics.counter({
    name: "spokeway_tracing_spans_total",
    help: "Spans that were exported, dropped because too many waited, or failed to be taken.",
    labels: ["result"],
  });
  let waiting: FinishedSpan[] = [];
  let wake = Promise.withResolvers<void>();
  let isFailing = false;
  /** True when the collector took it. */
  const sendBatch = async (): Promise<boolean> => {
    const batch = waiting.slice(0, batchSize);
    waiting = waiting.slice(batchSize);
    try {
      await post(options, JSON.stringify(otlpRequest(options.resource, batch)));
      spans.inc({ result: "exported" }, batch.length);
      isFailing = false;
    } catch (error) {
      spans.inc({ result: "failed" }, batch.length);
      if (!isFailing) log.warn("Cannot export traces", { error: describeError(error) });
      isFailing = true;
    }
    return !isFailing;
  };
  return {
    name: "trace-exporter",
    add(span) {
      if (waiting.length >= capacity) {
        spans.inc({ result: "dropped" });
        return;
      }
      waiting.push(span);
      if (waiting.length >= batchSize) wake.resolve();
    },
    async run(signal) {
      while (!signal.aborted) {
        await Promise.race([wake.promise, pause(maxWaitMs, signal)]);
        wake = Promise.withResolvers();
        while (waiting.length > 0 && !isAborted(signal)) await sendBatch();
      }
      // What still waits when the process ends gets one chance.
      while (waiting.length > 0 && (await sendBatch()));
    },
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, signal).catch(() => undefined);
}

async function post(
  { url, headers = {}, ca, timeoutMs = 10_000 }: OtlpExporterOptions,
  body: string,
): Promise<void> {
  const answered = Promise.withResolvers<void>();
  const request = url.protocol === "https:" ? requestTls : requestPlain;
  const sent = request(url, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    signal: AbortSignal.timeout(timeoutMs),
    ...(ca === undefined ? {} : { ca }),
  });
  sent.once("error", answered.reject);
  sent.once("response", (response) => {
    response.once("error", answered.reject).resume();
    const { statusCode = 0 } = response;
    if (statusCode >= 200 && statusCode < 300) response.once("end", answered.resolve);
    else answered.reject(new Error(`${url.host} answered ${statusCode}`));
  });
  sent.end(body);
  await answered.promise;
}
