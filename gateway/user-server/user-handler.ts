import { type ExposedService, isExposed, managedClusters } from "#api";
import { type Exchange, forward, forwardPath, ProxyError, treatmentOf } from "#proxy";
import { describeError, type Logger } from "#runtime";
import { answerError } from "../answers/answer.ts";
import { GatewayError } from "../answers/gateway-error.ts";
import { treatmentOf as gatewayTreatmentOf } from "../answers/treatment.ts";
import { verbOf } from "../authorization/attributes.ts";
import type { GatewayMetrics } from "../gateway-metrics.ts";
import type { ClusterLimits } from "../limits/cluster-limits.ts";
import { isLongRunning } from "../managed-request/managed-request.ts";
import type { CountRefusal } from "../refusals.ts";
import type { AgentTransports } from "./agent-transports.ts";
import type { IdentifyCaller } from "./caller.ts";
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
  /** Why nothing can be answered yet, or `undefined`. */
  readonly reasonNotReady: () => string | undefined;
  readonly metrics: GatewayMetrics;
  readonly refused: CountRefusal;
  readonly log: Logger;
  /** How long an API server may take to begin its answer. Defaults to 75 seconds. */
  readonly responseTimeoutMs?: number;
}

const defaultResponseTimeoutMs = 75_000;

/** Answers every request at the user server's port: read, identify, permit, forward. */
export function createUserHandler(options: UserHandlerOptions): (exchange: Exchange) => void {
  return (exchange) => {
    void answer(exchange, options).catch((reason: unknown) => {
      const error = gatewayErrorOf(reason);
      if (error.code === "internal") {
        options.log.error("Cannot handle request", { error: describeError(reason) });
      }
      options.refused(error.code);
      if (exchange.isAnswered) exchange.cut();
      else answerError(exchange, error, managedClusters.group);
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
  let code = 500;
  try {
    code = await send(exchange, route, { path, bytes }, options);
  } catch (error) {
    code = gatewayTreatmentOf(gatewayErrorOf(error)).httpStatus;
    throw error;
  } finally {
    end();
    options.metrics.observe({
      cluster: options.isCluster(route.cluster) ? route.cluster : undefined,
      verb: verbOf(exchange.method),
      path: route.service === undefined ? route.rest : "/api/v1/services",
      code,
      seconds: (performance.now() - startedAt) / 1000,
      bytes,
    });
  }
}

interface Sent {
  readonly path: string;
  readonly bytes: { received: number; sent: number };
}

async function send(
  exchange: Exchange,
  route: UserRoute,
  { path, bytes }: Sent,
  options: UserHandlerOptions,
): Promise<number> {
  const caller = await options.identify(exchange);
  checkRoute(route, options);
  const isLong = route.service !== undefined || isLongRunning(route.rest, route.query);
  const admission = await options.limits.admit({
    cluster: route.cluster,
    isLong,
    onGone: (listener) => exchange.onGone(listener),
  });
  const { responseTimeoutMs = defaultResponseTimeoutMs } = options;
  try {
    const { status } = await forward(exchange, {
      transport: () => options.transports.of(route.cluster),
      path,
      requestHeaders: outgoingHeaders(route, caller),
      responseHeaders: incomingHeaders(exchange.target, route),
      traffic: bytes,
      onAnswer: () => admission.answered(),
      ...(isLong ? {} : { responseTimeoutMs }),
    });
    return status;
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

function gatewayErrorOf(reason: unknown): GatewayError {
  if (reason instanceof GatewayError) return reason;
  if (reason instanceof ProxyError && treatmentOf(reason).httpStatus === 400) {
    return new GatewayError("bad_request", reason.message, { cause: reason });
  }
  const message = "Internal error: see the user server's log";
  return new GatewayError("internal", message, { cause: reason });
}
