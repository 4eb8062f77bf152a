import type { Attributes, FinishedSpan, SpanKind } from "./tracer.ts";

const kinds: Readonly<Record<SpanKind, number>> = { internal: 1, server: 2, client: 3 };
const failed = 2;

/** The body of an export request, as OTLP writes it in JSON. Pure. */
export function otlpRequest(resource: Attributes, spans: readonly FinishedSpan[]): unknown {
  const scope = { name: "spokeway" };
  return {
    resourceSpans: [
      {
        resource: { attributes: attributesOf(resource) },
        scopeSpans: [{ scope, spans: spans.map(spanOf) }],
      },
    ],
  };
}

function spanOf(span: FinishedSpan): unknown {
  const { traceId, spanId, parentSpanId, state, name, error } = span;
  return {
    traceId,
    spanId,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    ...(state === undefined ? {} : { traceState: state }),
    name,
    kind: kinds[span.kind],
    startTimeUnixNano: nanoseconds(span.startedAtMs),
    endTimeUnixNano: nanoseconds(span.endedAtMs),
    attributes: attributesOf(span.attributes),
    status: error === undefined ? {} : { code: failed, message: error },
  };
}

/** Numbers hold no nanoseconds of this century; text does. */
function nanoseconds(ms: number): string {
  return String(BigInt(Math.round(ms * 1000)) * 1000n);
}

function attributesOf(attributes: Attributes): unknown {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: valueOf(value) }));
}

function valueOf(value: Attributes[string]): unknown {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}
