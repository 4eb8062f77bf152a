import type { Worker } from "node:cluster";
import type { Metrics, MetricsSnapshot } from "../metrics.ts";
import { lastingMetrics, sumMetrics, sumMetricsText } from "../metrics-sum.ts";
import type { FromWorker, ToWorker } from "./worker-messages.ts";

/** How long workers may take to say what they have counted. */
const collectTimeoutMs = 2000;

/**
 * What all workers have counted, and the process that started them. A worker that does not answer
 * counts with what it said last, and so does one that has ended: no sum ever falls.
 */
export class WorkerMetrics {
  readonly #own: Pick<Metrics, "snapshot">;
  readonly #said = new Map<Worker, MetricsSnapshot>();
  readonly #waiting = new Map<number, (worker: Worker) => void>();
  #ended: MetricsSnapshot = [];
  #lastId = 0;

  constructor(own: Pick<Metrics, "snapshot">) {
    this.#own = own;
  }

  add(worker: Worker): void {
    this.#said.set(worker, []);
    worker.once("exit", () => {
      // Who ends now is waited for no longer.
      for (const answered of this.#waiting.values()) answered(worker);
    });
    worker.on("message", (message: FromWorker) => void this.#hear(worker, message));
  }

  async remove(worker: Worker): Promise<void> {
    const last = this.#said.get(worker) ?? [];
    this.#said.delete(worker);
    this.#ended = await sumMetrics([this.#ended, lastingMetrics(last)]);
  }

  async #hear(worker: Worker, message: FromWorker): Promise<void> {
    if (message.kind === "metricsAsked") {
      tell(worker, { kind: "metricsText", id: message.id, text: await this.#text() });
    } else if (this.#said.has(worker)) {
      this.#said.set(worker, message.snapshot);
      this.#waiting.get(message.id)?.(worker);
    }
  }

  async #text(): Promise<string> {
    await this.#collect();
    return sumMetricsText([await this.#own.snapshot(), this.#ended, ...this.#said.values()]);
  }

  async #collect(): Promise<void> {
    const id = ++this.#lastId;
    const missing = new Set([...this.#said.keys()].filter((worker) => worker.isConnected()));
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, collectTimeoutMs);
    this.#waiting.set(id, (worker) => {
      missing.delete(worker);
      if (missing.size === 0) resolve();
    });
    for (const worker of missing) tell(worker, { kind: "metricsWanted", id });
    if (missing.size > 0) await promise;
    clearTimeout(timer);
    this.#waiting.delete(id);
  }
}

function tell(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message, () => undefined);
}
