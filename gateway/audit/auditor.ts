import { randomUUID } from "node:crypto";
import { type Exchange, headerValue } from "#proxy";
import type { Caller } from "../identity/actor.ts";
import { readManagedRequest } from "../managed-request/managed-request.ts";
import {
  type Acting,
  type AuditEvent,
  type AuditedStage,
  auditEvent,
  auditedUri,
} from "./audit-event.ts";
import { type AuditPolicy, metadataOfAll } from "./audit-policy.ts";

/** Where events go. It never throws and never makes a request wait. */
export interface AuditSink {
  write(event: AuditEvent): void;
}

/** The entries of one request. */
export interface AuditEntry {
  /** What the managed cluster is told, so that its log names the request in the same way. */
  readonly auditId: string;
  /** Who acts there is decided. */
  acts(actor: Acting): void;
  /** The answer has begun. Only long calls are recorded then. */
  started(status: number): void;
  /** It is over. `message` is the gateway's own refusal. */
  ended(outcome: AuditOutcome): void;
}

export interface AuditOutcome {
  readonly status: number;
  readonly message?: string | undefined;
  readonly bytes: { readonly received: number; readonly sent: number };
}

/** What the log needs to know of a request to a managed cluster. */
export interface AuditedCall {
  readonly cluster: string;
  /** On the managed cluster. */
  readonly path: string;
  readonly query: string;
  readonly isLong: boolean;
  /** Where it is traced. */
  readonly traceId?: string | undefined;
}

export interface AuditorOptions {
  /** The gateway's own. */
  readonly group: string;
  /** That of this moment. */
  readonly policy: () => AuditPolicy;
  readonly sinks: readonly AuditSink[];
  readonly now?: () => Date;
}

/** For who records nothing. */
export const silentAudit: Pick<AuditorOptions, "policy" | "sinks"> = {
  policy: () => metadataOfAll,
  sinks: [],
};

/** Opens an entry for a request. */
export type Auditor = (exchange: Exchange, caller: Caller, call: AuditedCall) => AuditEntry;

/** Makes the audit log. Without sinks it still passes Audit-IDs on. */
export function createAuditor({
  group,
  policy,
  sinks,
  now = () => new Date(),
}: AuditorOptions): Auditor {
  return (exchange, caller, call) => {
    const auditId = auditIdOf(exchange);
    if (sinks.length === 0) return silentEntry(auditId);
    const { path, query } = call;
    const facts = {
      ...readManagedRequest(exchange.method, path, query),
      // Not whom he acts for: nobody may get out of the log by --as.
      user: caller.authenticated.name,
      groups: caller.authenticated.groups,
      path,
    };
    const { level, omitted } = policy()(facts);
    if (level === "None") return silentEntry(auditId);
    const request = {
      auditId,
      group,
      uri: auditedUri(exchange.target.split("?", 1)[0] ?? "", query),
      cluster: call.cluster,
      traceId: call.traceId,
      facts,
      authenticated: caller.authenticated,
      user: caller.user,
      sourceIps: sourceIps(exchange),
      userAgent: headerValue(exchange.headers, "user-agent"),
      receivedAt: now(),
    };
    let actor: Acting | undefined;
    const write = (stage: Omit<AuditedStage, "at" | "actor">): void => {
      if (omitted.has(stage.stage)) return;
      const event = auditEvent(request, { ...stage, at: now(), actor });
      for (const sink of sinks) sink.write(event);
    };
    return {
      auditId,
      acts: (decided) => void (actor = decided),
      started(status) {
        if (call.isLong) write({ stage: "ResponseStarted", status });
      },
      ended: (outcome) => write({ stage: "ResponseComplete", ...outcome }),
    };
  };
}

function silentEntry(auditId: string): AuditEntry {
  return { auditId, acts: () => undefined, started: () => undefined, ended: () => undefined };
}

/** The name that the hub, or the client, gave the request, as API servers take it; else a new one. */
function auditIdOf({ headers }: Exchange): string {
  const given = headerValue(headers, "audit-id") ?? "";
  return /^[\w.-]{1,64}$/u.test(given) ? given : randomUUID();
}

/** Those that the request says it passed, then the one it came from, as API servers record them. */
function sourceIps({ headers, peer }: Exchange): readonly string[] {
  const passed = (headerValue(headers, "x-forwarded-for") ?? "")
    .split(",")
    .map((address) => address.trim())
    .filter((address) => /^[\d.:a-f]{2,45}$/iu.test(address));
  const own = peer.address;
  return own === undefined || passed.at(-1) === own ? passed : [...passed, own];
}
