import { type ClusterAccess } from "#kube";
import { describeError, type Logger, type Metrics, sleep } from "#runtime";
import { askJson } from "../https-json.ts";
import type { AuditEvent } from "./audit-event.ts";
import type { RunningSink } from "./audit-sinks.ts";

export interface WebhookSinkOptions {
  readonly access: Pick<ClusterAccess, "server" | "requestOptions">;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Events that wait at most; further ones are dropped and counted. Defaults to 10,000. */
  readonly capacity?: number;
  /** Events in one request. Defaults to 400. */
  readonly batchSize?: number;
  /** How long an event waits for others. Defaults to 5 seconds. */
  readonly maxWaitMs?: number;
  /** The first pause after a failure; it doubles up to a minute. Defaults to 1 second. */
  readonly backoffMs?: number;
}

const maxBackoffMs = 60_000;
const lastTryMs = 5000;

/**
 * Sends events in batches, as an EventList, to a server that a kubeconfig names. A server that is
 * away costs memory for `capacity` events and no more, and no request waits for it.
 */
export function createWebhookSink(options: WebhookSinkOptions): RunningSink {
  const { capacity = 10_000, batchSize = 400, maxWaitMs = 5000, backoffMs = 1000, log } = options;
  const waiting: AuditEvent[] = [];
  const dropped = options.metrics.counter({
    name: "spokeway_gateway_audit_dropped_events_total",
    help: "Audit events that the webhook never got, because too many waited for it.",
  });
  let wake = Promise.withResolvers<void>();
  const sendBatch = async (): Promise<void> => {
    const batch = waiting.slice(0, batchSize);
    await post(options, batch);
    waiting.splice(0, batch.length);
  };
  return {
    name: "audit-webhook",
    write(event) {
      if (waiting.length >= capacity) {
        dropped.inc();
        return;
      }
      waiting.push(event);
      if (waiting.length >= batchSize) wake.resolve();
    },
    async run(signal) {
      let pauseMs = backoffMs;
      while (!signal.aborted) {
        await Promise.race([wake.promise, quietly(sleep(maxWaitMs, signal))]);
        wake = Promise.withResolvers();
        try {
          while (waiting.length > 0) await sendBatch();
          pauseMs = backoffMs;
        } catch (error) {
          log.warn("Cannot send audit events, trying again", {
            error: describeError(error),
            waiting: waiting.length,
            pauseMs,
          });
          await quietly(sleep(pauseMs, signal));
          pauseMs = Math.min(pauseMs * 2, maxBackoffMs);
        }
      }
      await sendRest(waiting, sendBatch, log);
    },
  };
}

/** What still waits when the process ends gets one chance. */
async function sendRest(
  waiting: readonly AuditEvent[],
  sendBatch: () => Promise<void>,
  log: Logger,
): Promise<void> {
  try {
    while (waiting.length > 0) await sendBatch();
  } catch (error) {
    log.error("Audit events are lost", { count: waiting.length, error: describeError(error) });
  }
}

async function post({ access }: WebhookSinkOptions, items: readonly AuditEvent[]): Promise<void> {
  await askJson(new URL(access.server), {
    options: await access.requestOptions(),
    body: { kind: "EventList", apiVersion: "audit.k8s.io/v1", metadata: {}, items },
    timeoutMs: lastTryMs,
  });
}

async function quietly(waiting: Promise<unknown>): Promise<void> {
  await waiting.catch(() => undefined);
}
