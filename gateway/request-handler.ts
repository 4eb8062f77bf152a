import { type Exchange, ProxyError, treatmentOf } from "#proxy";
import { describeError, type Logger, type Metrics } from "#runtime";
import { answerError, answerText } from "./answers/answer.ts";
import { GatewayError } from "./answers/gateway-error.ts";
import { treatmentOf as gatewayTreatmentOf } from "./answers/treatment.ts";
import type { Authenticate } from "./authentication/authenticate.ts";
import type { Authorize } from "./authorization/access-review.ts";
import { verbOf } from "./authorization/attributes.ts";
import type { AnswerDocument } from "./documents-handler.ts";
import type { GatewayMetrics } from "./gateway-metrics.ts";
import type { ObjectHandlers } from "./handlers.ts";
import type { Caller } from "./identity/actor.ts";
import { grantWish, readWish } from "./identity/impersonation.ts";
import type { PassStore } from "./passes/pass-store.ts";
import type { ProxyCluster, ProxyRoute } from "./proxying/proxy-cluster.ts";
import { attributesOf, type HealthCheck, parseRoute, type Route } from "./route.ts";

export interface RequestHandlerOptions {
  readonly authenticate: Authenticate;
  readonly authorize: Authorize;
  readonly passes: PassStore;
  readonly answerDocument: AnswerDocument;
  readonly objects: ObjectHandlers;
  readonly proxyCluster: ProxyCluster;
  readonly isCluster: (name: string) => boolean;
  /** Why nothing but health can be answered yet, or `undefined`. */
  readonly reasonNotStarted: () => string | undefined;
  /** Why the gateway should get no requests now, or `undefined`. */
  readonly reasonNotReady: () => string | undefined;
  readonly metrics: Metrics;
  readonly gatewayMetrics: GatewayMetrics;
  readonly log: Logger;
}

/**
 * Answers every request that reaches the gateway: route, authenticate, authorize, handle. Who comes
 * with a pass is authenticated and authorized by the cluster that the pass is for.
 */
export function createRequestHandler(options: RequestHandlerOptions): (exchange: Exchange) => void {
  return (exchange) => {
    void answer(exchange, options).catch((reason: unknown) => {
      const error = gatewayErrorOf(reason);
      if (error.code === "internal") {
        options.log.error("Cannot handle request", { error: describeError(reason) });
      }
      if (exchange.isAnswered) exchange.cut();
      else answerError(exchange, error);
    });
  };
}

async function answer(exchange: Exchange, options: RequestHandlerOptions): Promise<void> {
  const route = parseRoute(exchange.target);
  if (route.kind === "health") {
    answerHealth(exchange, route.check, options);
    return;
  }
  const reason = options.reasonNotStarted();
  if (reason !== undefined) {
    throw new GatewayError("hub_unavailable", `The gateway is starting: ${reason}`);
  }
  const caller = accountOf(exchange, route, options) ?? (await callerOf(exchange, options));
  const attributes = caller.pass === undefined ? attributesOf(route, exchange.method) : undefined;
  const permission =
    attributes === undefined ? undefined : options.authorize(caller.user, attributes);
  if (permission !== undefined) await permission;
  await handle(exchange, route, caller, options);
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
  route: Exclude<Route, { kind: "health" }>,
  caller: Caller,
  options: RequestHandlerOptions,
): Promise<void> {
  switch (route.kind) {
    case "proxy":
      return measured(exchange, route, caller, options);
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

async function measured(
  exchange: Exchange,
  route: ProxyRoute,
  caller: Caller,
  { proxyCluster, gatewayMetrics, isCluster }: RequestHandlerOptions,
): Promise<void> {
  const startedAt = performance.now();
  const end = gatewayMetrics.begin();
  let code = 500;
  try {
    const prepared = await proxyCluster.prepare(exchange, route, caller);
    code = (await proxyCluster.send(exchange, route, prepared)).status;
  } catch (reason) {
    const error = gatewayErrorOf(reason);
    code = gatewayTreatmentOf(error).httpStatus;
    throw error;
  } finally {
    end();
    gatewayMetrics.observe({
      cluster: isCluster(route.name) ? route.name : undefined,
      verb: verbOf(exchange.method),
      path: route.rest,
      code,
      seconds: (performance.now() - startedAt) / 1000,
    });
  }
}

function gatewayErrorOf(reason: unknown): GatewayError {
  if (reason instanceof GatewayError) return reason;
  if (reason instanceof ProxyError && treatmentOf(reason).httpStatus === 400) {
    return new GatewayError("bad_request", reason.message, { cause: reason });
  }
  return new GatewayError("internal", "Internal error: see the gateway's log", { cause: reason });
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
