import type { Acting } from "../audit/audit-event.ts";
import type { AuditedCall } from "../audit/auditor.ts";
import type { Caller } from "../identity/actor.ts";
import { isLongRunning } from "../managed-request/managed-request.ts";
import type { UserCaller } from "./caller.ts";
import type { UserRoute } from "./user-route.ts";

/** Before the name of an account whose token only its own cluster can verify. */
const unverified = "managed-cluster:";

/** Who asked, for the audit log. */
export function auditedCaller(caller: UserCaller): Caller {
  if (caller.kind === "hub") return caller;
  const user = { name: `${unverified}${caller.subject}`, groups: [], extra: {} };
  return { authenticated: user, user };
}

/** Who acts on the managed cluster, for the audit log. */
export function auditedActor(caller: UserCaller): Acting {
  if (caller.kind === "hub") return { kind: "user", because: "Impersonate", user: caller.acting };
  return { kind: "pass", because: "ManagedToken" };
}

/**
 * What was asked, for the audit log. A Service is told as the right that its caller needs on the
 * managed cluster: as the subresource `proxy`.
 */
export function auditedCall({ cluster, service, rest, query }: UserRoute): AuditedCall {
  if (service === undefined) {
    return { cluster, path: rest, query, isLong: isLongRunning(rest, query) };
  }
  const { scheme, namespace, name, port } = service;
  const path = `/api/v1/namespaces/${namespace}/services/${scheme}:${name}:${port}/proxy${rest}`;
  return { cluster, path, query, isLong: true };
}
