import { setTimeout as sleep } from "node:timers/promises";
import type { ApiAnswer } from "#bed";

/** What a load has met with so far. */
export interface LoadReport {
  readonly answered: number;
  /** How many of those were answered only when they were asked again. */
  readonly retried: number;
  /** What failed, and when, in seconds from the start. */
  readonly failures: readonly string[];
  /** How long each answer took, in the order in which they came. */
  readonly latenciesMs: readonly number[];
}

/** Requests that go on while the test does something else. */
export interface Load extends AsyncDisposable {
  readonly report: LoadReport;
  /** Lets the last requests end. */
  stop(): Promise<LoadReport>;
}

export interface LoadOptions {
  /** How many ask at once. Defaults to 4. */
  readonly clients?: number;
  /** How long each waits after an answer. Defaults to 50 ms. */
  readonly pauseMs?: number;
  /** How often a request that failed is sent again. Defaults to never. */
  readonly retries?: number;
}

/** How long a client waits where the answer does not say: about as long as kubectl's own backoff. */
const defaultRetryAfter = 1;

/** Asks without end; whatever is not a 200 is a failure, unless a retry makes it good. */
export function startLoad(
  ask: () => Promise<ApiAnswer>,
  { clients = 4, pauseMs = 50, retries = 0 }: LoadOptions = {},
): Load {
  const startedAt = performance.now();
  const stopping = new AbortController();
  const failures: string[] = [];
  const latenciesMs: number[] = [];
  let retried = 0;

  async function attempt(): Promise<ApiAnswer> {
    return ask().catch((error: unknown) => ({ status: 0, body: String(error) }));
  }

  async function request(): Promise<void> {
    const sentAt = performance.now();
    let answer = await attempt();
    for (let again = 0; again < retries && answer.status !== 200; again += 1) {
      if (again === 0) retried += 1;
      await sleep((answer.retryAfter ?? defaultRetryAfter) * 1000);
      answer = await attempt();
    }
    const now = performance.now();
    if (answer.status === 200) latenciesMs.push(now - sentAt);
    else failures.push(describe(answer, (now - startedAt) / 1000));
  }

  async function client(): Promise<void> {
    while (!stopping.signal.aborted) {
      await request();
      await sleep(pauseMs);
    }
  }

  const ended = Promise.all(Array.from({ length: clients }, client));
  const report: LoadReport = {
    get answered() {
      return latenciesMs.length;
    },
    get retried() {
      return retried;
    },
    failures,
    latenciesMs,
  };
  const stop = async (): Promise<LoadReport> => {
    stopping.abort();
    await ended;
    return report;
  };
  return { report, stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}

function describe({ status, body }: ApiAnswer, seconds: number): string {
  const said = typeof body === "string" ? body : JSON.stringify(body);
  return `after ${seconds.toFixed(1)} s: ${status} ${said.slice(0, 300)}`;
}
