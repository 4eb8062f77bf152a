import type { Exchange, Traffic } from "#proxy";
import { type Logger, type Metrics, type Tracer, traced } from "#runtime";
import { answerText } from "./answers/answer.ts";
import { answerFailure, gatewayErrorOf } from "./answers/failure.ts";
import { GatewayError } from "./answers/gateway-error.ts";
import { treatmentOf as gatewayTreatmentOf } from "./answers/treatment.ts";
import type { AuditEntry, Auditor } from "./audit/auditor.ts";
import type { Authenticate } from "./authentication/authenticate.ts";
import type { Authorize } from "./authorization/access-review.ts";
import { verbOf } from "./authorization/attributes.ts";
import type { AnswerDocument } from "./documents-handler.ts";
import type { GatewayMetrics } from "./gateway-metrics.ts";
import type { ObjectHandlers } from "./handlers.ts";
import type { Caller } from "./identity/actor.ts";
import { grantWish, readWish } from "./identity/impersonation.ts";
import type { ClusterLimits } from "./limits/cluster-limits.ts";
import { managedAttributes } from "./managed-request/managed-attributes.ts";
import { isLongRunning, isWatchRequest } from "./managed-request/managed-request.ts";
import type { PassStore } from "./passes/pass-store.ts";
import type { ProxyCluster, ProxyRoute } from "./proxying/proxy-cluster.ts";
import type { CountRefusal } from "./refusals.ts";
import type { HealthCheck, Route, Router } from "./route.ts";
import { tracedRequest, tracedUpstream } from "./tracing.ts";

export interface RequestHandlerOptions {
  readonly router: Router;
  readonly authenticate: Authenticate;
  readonly authorize: Authorize;
  /** Whether the hub is also asked about what a request does on the managed cluster. */
  readonly authorizesPaths: boolean;
  readonly passes: PassStore;
  readonly answerDocument: AnswerDocument;
  readonly objects: ObjectHandlers;
  readonly proxyCluster: ProxyCluster;
  readonly audit: Auditor;
  readonly limits: Pick<ClusterLimits, "admit">;
  readonly isCluster: (name: string) => boolean;
  /** Why nothing but health can be answered yet, or `undefined`. */
  readonly reasonNotStarted: () => string | undefined;
  /** Why the gateway should get no requests now, or `undefined`. */
  readonly reasonNotReady: () => string | undefined;
  readonly metrics: Metrics;
  readonly gatewayMetrics: GatewayMetrics;
  readonly refused: CountRefusal;
  /** Without it, nothing is traced, and what a client says of its trace is passed on as it is. */
  readonly tracer: Tracer | undefined;
  readonly log: Logger;
}

/** As who is told where to look knows it. */
const ownName = "gateway";

/**
 * Answers every request that reaches the gateway: route, authenticate, authorize, handle. Who comes
 * with a pass is authenticated and authorized by the cluster that the pass is for.
 */
export function createRequestHandler(options: RequestHandlerOptions): (exchange: Exchange) => void {
  return (exchange) => {
    void answer(exchange, options).catch((reason: unknown) => {
      const { refused, log } = options;
      answerFailure(exchange, reason, { name: ownName, group: options.router.group, refused, log });
    });
  };
}

async function answer(exchange: Exchange, options: RequestHandlerOptions): Promise<void> {
  const route = options.router.routeOf(exchange.target);
  if (route.kind === "health") {
    answerHealth(exchange, route.check, options);
    return;
  }
  const reason = options.reasonNotStarted();
  if (reason !== undefined) {
    throw new GatewayError("hub_unavailable", `The gateway is starting: ${reason}`);
  }
  if (route.kind === "proxy") {
    await tracedRequest(options.tracer, exchange, route, async () => {
      await proxied(exchange, route, await whoAsks(exchange, route, options), options);
    });
    return;
  }
  await permit(exchange, route, await whoAsks(exchange, route, options), options);
  await handle(exchange, route, options);
}

async function whoAsks(
  exchange: Exchange,
  route: Route,
  options: RequestHandlerOptions,
): Promise<Caller> {
  const account = accountOf(exchange, route, options);
  if (account !== undefined) return account;
  return traced(options.tracer, "authenticate", async () => callerOf(exchange, options));
}

async function permit(
  { method }: Exchange,
  route: Route,
  { user, pass }: Caller,
  { router, authorize, authorizesPaths }: RequestHandlerOptions,
): Promise<void> {
  if (pass !== undefined) return;
  const attributes = router.attributesOf(route, method);
  const permission = attributes === undefined ? undefined : authorize(user, attributes);
  // Nothing is waited for where the answer is known.
  if (permission !== undefined) await permission;
  if (route.kind !== "proxy" || !authorizesPaths) return;
  await authorize(user, managedAttributes(method, route.rest, route.query));
}

/** An account of a managed cluster that comes with a pass for it: the hub has no say in what it does. */
function accountOf(
  exchange: Exchange,
  route: Route,
  { passes }: RequestHandlerOptions,
): Caller | undefined {
  const pass = route.kind === "proxy" ? passes.find(exchange, route.name) : undefined;
  if (pass === undefined) return undefined;
  if (readWish(exchange.headers) !== undefined) {
    const message = `Cannot impersonate with the token of ManagedServiceAccount ${pass.account}`;
    throw new GatewayError("bad_request", message);
  }
  // For those who write down who asked; nobody on the hub has such a name.
  const user = { name: `managed-serviceaccount:${pass.account}`, groups: [], extra: {} };
  return { authenticated: user, user, pass };
}

/** Who asks, and whom the hub's rules are about. */
async function callerOf(
  exchange: Exchange,
  { authenticate, authorize }: RequestHandlerOptions,
): Promise<Caller> {
  const authenticated = await authenticate(exchange);
  const wish = readWish(exchange.headers);
  if (wish === undefined) return { authenticated, user: authenticated };
  await grantWish(wish, authenticated, authorize);
  return { authenticated, user: wish.user };
}

async function handle(
  exchange: Exchange,
  route: Exclude<Route, { kind: "health" | "proxy" }>,
  options: RequestHandlerOptions,
): Promise<void> {
  switch (route.kind) {
    case "collection":
      return options.objects.collection(exchange, route);
    case "object":
      return options.objects.object(exchange, route);
    case "clusterHealth":
      return options.objects.clusterHealth(exchange, route);
    case "document":
      return options.answerDocument(exchange, route.document);
    case "metrics": {
      const text = await options.metrics.text();
      return answerText(exchange, 200, text, "text/plain; version=0.0.4; charset=utf-8");
    }
    case "unknown":
      throw new GatewayError("not_found", "the server could not find the requested resource");
  }
}

/** A request to a managed cluster: permitted, sent, counted and recorded. */
async function proxied(
  exchange: Exchange,
  route: ProxyRoute,
  caller: Caller,
  options: RequestHandlerOptions,
): Promise<void> {
  const startedAt = performance.now();
  const { gatewayMetrics, isCluster } = options;
  const end = gatewayMetrics.begin();
  const isLong = isLongRunning(route.rest, route.query);
  const entry = options.audit(exchange, caller, {
    cluster: route.name,
    path: route.rest,
    query: route.query,
    isLong,
    traceId: options.tracer?.current()?.context.traceId,
  });
  const bytes = { received: 0, sent: 0 };
  let outcome: { readonly status: number; readonly message?: string } = { status: 500 };
  try {
    outcome = await send(exchange, route, caller, { entry, traffic: bytes, isLong }, options);
  } catch (reason) {
    const error = gatewayErrorOf(reason, ownName);
    outcome = { status: gatewayTreatmentOf(error).httpStatus, message: error.message };
    throw error;
  } finally {
    end();
    options.tracer?.current()?.add({ "http.response.status_code": outcome.status });
    entry.ended({ ...outcome, bytes });
    gatewayMetrics.observe({
      cluster: isCluster(route.name) ? route.name : undefined,
      verb: verbOf(exchange.method),
      path: route.rest,
      code: outcome.status,
      seconds: (performance.now() - startedAt) / 1000,
      bytes,
    });
  }
}

interface Sending {
  readonly entry: AuditEntry;
  readonly traffic: Traffic;
  readonly isLong: boolean;
}

async function send(
  exchange: Exchange,
  route: ProxyRoute,
  caller: Caller,
  { entry, traffic, isLong }: Sending,
  options: RequestHandlerOptions,
): Promise<{ readonly status: number }> {
  const { tracer } = options;
  await traced(tracer, "authorize", async () => permit(exchange, route, caller, options));
  const prepared = await options.proxyCluster.prepare(exchange, route, caller);
  entry.acts(prepared.actor);
  const admission = await options.limits.admit({
    cluster: route.name,
    isLong,
    onGone: (listener) => exchange.onGone(listener),
  });
  try {
    return await tracedUpstream(tracer, async (traceHeaders) =>
      options.proxyCluster.send(exchange, route, prepared, {
        headers: ["audit-id", entry.auditId, ...traceHeaders],
        traffic,
        isLong,
        isWatch: isLong && isWatchRequest(exchange.method, route.rest, route.query),
        started(code) {
          admission.answered();
          entry.started(code);
        },
      }),
    );
  } catch (error) {
    if (error instanceof GatewayError) admission.failed(error);
    throw error;
  } finally {
    admission.leave();
  }
}

function answerHealth(
  exchange: Exchange,
  check: HealthCheck,
  { reasonNotReady }: RequestHandlerOptions,
): void {
  const reason = check === "readyz" ? reasonNotReady() : undefined;
  if (reason === undefined) answerText(exchange, 200, "ok");
  else answerText(exchange, 500, `not ready: ${reason}\n`);
}
