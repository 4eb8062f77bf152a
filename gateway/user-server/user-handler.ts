import { type ExposedService, isExposed, managedClusters } from "#api";
import { type Exchange, forward, forwardPath, ProxyError, type Traffic } from "#proxy";
import type { Logger } from "#runtime";
import { answerFailure, gatewayErrorOf } from "../answers/failure.ts";
import { GatewayError } from "../answers/gateway-error.ts";
import { treatmentOf as gatewayTreatmentOf } from "../answers/treatment.ts";
import type { AuditEntry, Auditor } from "../audit/auditor.ts";
import { verbOf } from "../authorization/attributes.ts";
import type { GatewayMetrics } from "../gateway-metrics.ts";
import type { ClusterLimits } from "../limits/cluster-limits.ts";
import type { CountRefusal } from "../refusals.ts";
import type { AgentTransports } from "./agent-transports.ts";
import { auditedActor, auditedCall, auditedCaller } from "./audited.ts";
import type { IdentifyCaller, UserCaller } from "./caller.ts";
import { incomingHeaders, outgoingHeaders } from "./outgoing-headers.ts";
import { parseUserRoute, type UserRoute } from "./user-route.ts";
import { wayFailure } from "./way-failure.ts";

export interface UserHandlerOptions {
  readonly identify: IdentifyCaller;
  readonly isCluster: (name: string) => boolean;
  /** Which Services of managed clusters may be reached at all, at this moment. */
  readonly exposed: () => readonly ExposedService[];
  /** Where that list is, for those who are told that something is not on it. */
  readonly exposedIn: string;
  readonly transports: Pick<AgentTransports, "of">;
  readonly limits: Pick<ClusterLimits, "admit">;
  readonly audit: Auditor;
  /** Why nothing can be answered yet, or `undefined`. */
  readonly reasonNotReady: () => string | undefined;
  readonly metrics: GatewayMetrics;
  readonly refused: CountRefusal;
  readonly log: Logger;
  /** How long an API server may take to begin its answer. Defaults to 75 seconds. */
  readonly responseTimeoutMs?: number;
}

const defaultResponseTimeoutMs = 75_000;

/** As who is told where to look knows it. */
const ownName = "user server";

/** Answers every request at the user server's port: read, identify, permit, forward. */
export function createUserHandler(options: UserHandlerOptions): (exchange: Exchange) => void {
  return (exchange) => {
    void answer(exchange, options).catch((reason: unknown) => {
      const { refused, log } = options;
      answerFailure(exchange, reason, {
        name: ownName,
        group: managedClusters.group,
        refused,
        log,
      });
    });
  };
}

async function answer(exchange: Exchange, options: UserHandlerOptions): Promise<void> {
  const route = parseUserRoute(exchange.target);
  const path = forwardPath(route.rest) + route.query;
  const reason = options.reasonNotReady();
  if (reason !== undefined) {
    throw new GatewayError("hub_unavailable", `The user server is starting: ${reason}`);
  }
  const startedAt = performance.now();
  const end = options.metrics.begin();
  const bytes = { received: 0, sent: 0 };
  let outcome: { readonly status: number; readonly message?: string } = { status: 500 };
  let entry: AuditEntry | undefined;
  try {
    const caller = await options.identify(exchange);
    const call = auditedCall(route);
    entry = options.audit(exchange, auditedCaller(caller), call);
    entry.acts(auditedActor(caller));
    const sending = { path, bytes, entry, isLong: call.isLong };
    outcome = await send(exchange, route, caller, sending, options);
  } catch (reason) {
    const error = gatewayErrorOf(reason, ownName);
    outcome = { status: gatewayTreatmentOf(error).httpStatus, message: error.message };
    throw error;
  } finally {
    end();
    entry?.ended({ ...outcome, bytes });
    options.metrics.observe({
      cluster: options.isCluster(route.cluster) ? route.cluster : undefined,
      verb: verbOf(exchange.method),
      path: route.service === undefined ? route.rest : "/api/v1/services",
      code: outcome.status,
      seconds: (performance.now() - startedAt) / 1000,
      bytes,
    });
  }
}

interface Sending {
  readonly path: string;
  readonly bytes: Traffic;
  readonly entry: AuditEntry;
  readonly isLong: boolean;
}

async function send(
  exchange: Exchange,
  route: UserRoute,
  caller: UserCaller,
  { path, bytes, entry, isLong }: Sending,
  options: UserHandlerOptions,
): Promise<{ readonly status: number }> {
  checkRoute(route, options);
  const admission = await options.limits.admit({
    cluster: route.cluster,
    isLong,
    onGone: (listener) => exchange.onGone(listener),
  });
  const { responseTimeoutMs = defaultResponseTimeoutMs } = options;
  try {
    return await forward(exchange, {
      transport: () => options.transports.of(route.cluster),
      path,
      requestHeaders: outgoingHeaders(route, caller, ["audit-id", entry.auditId]),
      responseHeaders: incomingHeaders(exchange.target, route),
      traffic: bytes,
      onAnswer(status) {
        admission.answered();
        entry.started(status);
      },
      ...(isLong ? {} : { responseTimeoutMs }),
    });
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    const told = wayFailure(error, route.cluster);
    admission.failed(told);
    throw told;
  } finally {
    admission.leave();
  }
}

/** After it is known who asks: nobody else learns what there is. */
function checkRoute({ cluster, service }: UserRoute, options: UserHandlerOptions): void {
  if (!options.isCluster(cluster)) {
    throw new GatewayError("not_found", `managed cluster "${cluster}" not found`, {
      details: { name: cluster, resource: managedClusters.plural },
    });
  }
  if (service === undefined || isExposed(options.exposed(), service)) return;
  const { scheme, namespace, name, port } = service;
  throw new GatewayError(
    "forbidden",
    `service ${namespace}/${name} is not in the exposed services allowlist of the hub: ConfigMap ${options.exposedIn} has no entry for ${scheme}, port ${port}`,
  );
}
