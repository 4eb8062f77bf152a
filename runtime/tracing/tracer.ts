import { AsyncLocalStorage } from "node:async_hooks";
import { randomBytes } from "node:crypto";
import type { TraceContext } from "./trace-context.ts";

/** What a span says of itself. Never a credential, a path or a query: others read traces. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

export type SpanKind = "internal" | "server" | "client";

/** A span that is over, for whoever exports it. */
export interface FinishedSpan extends Pick<TraceContext, "traceId" | "spanId" | "state"> {
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly attributes: Attributes;
  /** Why it failed; `undefined` when it did not. */
  readonly error: string | undefined;
}

/** A span under way. */
export interface Span {
  /** What a request that is made within it carries on. */
  readonly context: TraceContext;
  add(attributes: Attributes): void;
}

export interface SpanOptions {
  readonly kind?: SpanKind;
  /** Without it, the span under way is the parent; with `undefined`, there is none. */
  readonly parent?: TraceContext | undefined;
  readonly attributes?: Attributes;
}

export interface TracerOptions {
  /** Gets every sampled span once. Must not throw. */
  readonly export: (span: FinishedSpan) => void;
  /** The share of traces that begin here and are recorded, 0 to 1. Defaults to all. */
  readonly ratio?: number;
  readonly now?: () => number;
}

/** Measures what happens within what. */
export interface Tracer {
  /** Runs `work` as one span, which ends with it; what it throws is thrown on. */
  span<T>(name: string, options: SpanOptions, work: (span: Span) => Promise<T>): Promise<T>;
  /** The span in which the caller runs, if any. */
  current(): Span | undefined;
}

/** Makes a tracer. Where a trace began decides whether it is recorded. */
export function createTracer({
  export: send,
  ratio = 1,
  now = () => performance.timeOrigin + performance.now(),
}: TracerOptions): Tracer {
  const running = new AsyncLocalStorage<Span>();
  return {
    current: () => running.getStore(),
    async span(name, { kind = "internal", attributes: given = {}, ...rest }, work) {
      const parent = "parent" in rest ? rest.parent : running.getStore()?.context;
      const context = childOf(parent, ratio);
      if (!context.isSampled) {
        const silent = { context, add: () => undefined };
        return running.run(silent, async () => work(silent));
      }
      const startedAtMs = now();
      let attributes = given;
      let error: string | undefined;
      const span: Span = {
        context,
        add: (more) => void (attributes = { ...attributes, ...more }),
      };
      try {
        return await running.run(span, async () => work(span));
      } catch (reason) {
        error = kindOf(reason);
        throw reason;
      } finally {
        const { traceId, spanId, state } = context;
        const times = { startedAtMs, endedAtMs: now() };
        const parentSpanId = parent?.spanId;
        send({ traceId, spanId, state, parentSpanId, name, kind, ...times, attributes, error });
      }
    },
  };
}

/** Class and code of an error, not its message, which may quote anything. */
function kindOf(reason: unknown): string {
  if (!(reason instanceof Error)) return "unknown";
  const { code } = reason as { readonly code?: unknown };
  return typeof code === "string" ? `${reason.name} ${code}` : reason.name;
}

function childOf(parent: TraceContext | undefined, ratio: number): TraceContext {
  const spanId = randomBytes(8).toString("hex");
  if (parent !== undefined) return { ...parent, spanId };
  const traceId = randomBytes(16).toString("hex");
  return { traceId, spanId, isSampled: isChosen(traceId, ratio), state: undefined };
}

/** By the last digits of its name, so that every process that is asked says the same. */
function isChosen(traceId: string, ratio: number): boolean {
  return Number.parseInt(traceId.slice(-13), 16) < ratio * 2 ** 52;
}

/** Runs `work` in a span, or just runs it where nothing is traced. */
export async function traced<T>(
  tracer: Tracer | undefined,
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  return tracer === undefined ? work() : tracer.span(name, {}, work);
}
