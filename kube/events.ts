import { randomBytes } from "node:crypto";
import { apiVersionOf, type KubeObject, type ResourceType, timestamp } from "#api";
import { describeError, type Logger } from "#runtime";
import { isApiError } from "./api-error.ts";
import type { KubeClient } from "./client.ts";

const events: ResourceType = {
  group: "",
  version: "v1",
  plural: "events",
  kind: "Event",
  namespaced: true,
};

export interface EventOptions {
  readonly type?: "Normal" | "Warning";
  /** CamelCase, for machines. */
  readonly reason: string;
  /** A sentence, for people. Never a secret. */
  readonly message: string;
}

/** Tells what happened to an object, where `kubectl describe` shows it. */
export interface EventRecorder {
  /** Never throws: an event that cannot be written is logged. */
  record(type: ResourceType, object: KubeObject, event: EventOptions): Promise<void>;
}

/** How long a recorder that may not write is silent. */
const forbiddenPauseMs = 3_600_000;

/** Records under `component`; equal events of one object within five minutes are told once. */
export function createEventRecorder(
  client: KubeClient,
  component: string,
  log: Logger,
): EventRecorder {
  const told = new Map<string, number>();
  let silentUntil = 0;
  return {
    async record(type, object, { type: eventType = "Normal", reason, message }) {
      const now = Date.now();
      const key = `${object.metadata.uid}/${reason}/${message}`;
      if (now < silentUntil || now - (told.get(key) ?? 0) < 300_000) return;
      if (told.size > 4_096) told.clear();
      told.set(key, now);
      const at = timestamp(new Date(now));
      const event = {
        metadata: {
          name: `${object.metadata.name}.${randomBytes(8).toString("hex")}`,
          namespace: object.metadata.namespace ?? "default",
        },
        involvedObject: {
          apiVersion: apiVersionOf(type),
          kind: type.kind,
          name: object.metadata.name,
          namespace: object.metadata.namespace,
          uid: object.metadata.uid,
          resourceVersion: object.metadata.resourceVersion,
        },
        type: eventType,
        reason,
        message: message.slice(0, 1024),
        firstTimestamp: at,
        lastTimestamp: at,
        count: 1,
        source: { component },
        reportingComponent: component,
      };
      await client.create(events, event, AbortSignal.timeout(5_000)).catch((error: unknown) => {
        if (isApiError(error, "forbidden")) silentUntil = now + forbiddenPauseMs;
        log.warn("Cannot record event", { reason, error: describeError(error) });
      });
    },
  };
}
