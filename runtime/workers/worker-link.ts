import type { Metrics } from "../metrics.ts";
import type { FromWorker, ToWorker } from "./worker-messages.ts";

/** How long the process that started us may take to add up. Longer than it waits for workers. */
const answerTimeoutMs = 5000;

/** The part of `process` by which a worker talks to whoever started it. */
export interface WorkerChannel {
  on(event: "message", listener: (message: ToWorker) => void): unknown;
  send?(message: FromWorker): unknown;
}

/**
 * Metrics whose `text` is about all workers, asked for at the process that started them; about this
 * one alone when that does not answer.
 */
export function shareMetrics(metrics: Metrics, channel: WorkerChannel): Metrics {
  const waiting = new Map<number, (text: string) => void>();
  let lastId = 0;
  channel.on("message", (message) => {
    if (message.kind === "metricsText") waiting.get(message.id)?.(message.text);
    else void give(message.id);
  });
  const give = async (id: number) => {
    channel.send?.({ kind: "metricsGiven", id, snapshot: await metrics.snapshot() });
  };
  const ask = async (): Promise<string | undefined> => {
    const id = ++lastId;
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const timer = setTimeout(() => resolve(undefined), answerTimeoutMs);
    waiting.set(id, resolve);
    channel.send?.({ kind: "metricsAsked", id });
    const text = await promise;
    clearTimeout(timer);
    waiting.delete(id);
    return text;
  };
  return { ...metrics, text: async () => (await ask()) ?? metrics.text() };
}
