import { type Exchange, ProxyError, treatmentOf } from "#proxy";
import { describeError, type Logger } from "#runtime";
import type { CountRefusal } from "../refusals.ts";
import { answerError } from "./answer.ts";
import { GatewayError } from "./gateway-error.ts";

/** Who could not handle a request: the gateway, or the user server. */
export interface Failing {
  /** As a person is told whose log to look at. */
  readonly name: string;
  /** API group of the Status. */
  readonly group: string;
  readonly refused: CountRefusal;
  readonly log: Logger;
}

/** Tells of a request that failed: a Status, or the end of an answer that has begun. Never throws. */
export function answerFailure(exchange: Exchange, reason: unknown, failing: Failing): void {
  const error = gatewayErrorOf(reason, failing.name);
  if (error.code === "internal") {
    failing.log.error("Cannot handle request", { error: describeError(reason) });
  }
  failing.refused(error.code);
  if (exchange.isAnswered) exchange.cut();
  else answerError(exchange, error, failing.group);
}

/** What a client is told of anything thrown: of what nobody foresaw, only where to look. */
export function gatewayErrorOf(reason: unknown, name: string): GatewayError {
  if (reason instanceof GatewayError) return reason;
  if (reason instanceof ProxyError && treatmentOf(reason).httpStatus === 400) {
    return new GatewayError("bad_request", reason.message, { cause: reason });
  }
  return new GatewayError("internal", `Internal error: see the ${name}'s log`, { cause: reason });
}
