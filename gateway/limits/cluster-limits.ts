import type { Metrics } from "#runtime";
import { GatewayError, type GatewayErrorCode } from "../answers/gateway-error.ts";
import { type Attempt, type CircuitBreaker, createCircuitBreaker } from "./circuit-breaker.ts";
import { createGate, type Gate, type Refusal } from "./gate.ts";

export interface LimitOptions {
  /** Short requests to one cluster at once. Defaults to 400, as API servers allow themselves. */
  readonly perCluster?: number;
  /** Short requests to all clusters at once. Defaults to 2,000. */
  readonly total?: number;
  /** Watches, followed logs, exec and the like, to one cluster at once. Defaults to 10,000. */
  readonly longPerCluster?: number;
  /** How long a request waits for room at most. Defaults to 2 seconds. */
  readonly maxWaitMs?: number;
  readonly metrics: Metrics;
}

/** Who wants to be let through. */
export interface Admitted {
  readonly cluster: string;
  readonly isLong: boolean;
  readonly onGone: (listener: () => void) => void;
}

/** One request that was let through; call exactly one of the first three, then `leave`. */
export interface Admission {
  /** The cluster answered, whatever it said. */
  answered(): void;
  /** It failed before an answer. */
  failed(error: Pick<GatewayError, "code" | "message">): void;
  leave(): void;
}

/** A cluster that is slow or gone costs the others nothing. */
export interface ClusterLimits {
  /**
   * Lets a request through, now or when there is room. Throws a GatewayError `overloaded` when
   * there is none in time, and `circuit_open` while the cluster is known not to answer.
   */
  admit(request: Admitted): Admission | Promise<Admission>;
  /** Asks a cluster again whose settings have changed. */
  changed(cluster: string): void;
  /** Forgets a cluster that is gone. */
  forget(cluster: string): void;
}

/** Failures that say that the cluster does not answer, and that cost a wait to find out. */
const telling: ReadonlySet<GatewayErrorCode> = new Set(["timeout", "unreachable", "untrusted"]);

interface Limited {
  readonly short: Gate;
  readonly long: Gate;
  readonly breaker: CircuitBreaker;
}

/** Makes the limits, with nobody inside. */
export function createClusterLimits({
  perCluster = 400,
  total = 2000,
  longPerCluster = 10_000,
  maxWaitMs = 2000,
  metrics,
}: LimitOptions): ClusterLimits {
  const clusters = new Map<string, Limited>();
  const all = createGate({ capacity: total, queue: total, maxWaitMs });
  const limited = (cluster: string): Limited => {
    const known = clusters.get(cluster);
    if (known !== undefined) return known;
    const made = {
      short: createGate({ capacity: perCluster, queue: perCluster, maxWaitMs }),
      long: createGate({ capacity: longPerCluster, queue: 0, maxWaitMs }),
      breaker: createCircuitBreaker(),
    };
    clusters.set(cluster, made);
    return made;
  };
  const { refused, circuits } = limitMetrics(metrics, clusters);
  return {
    changed: (cluster) => clusters.get(cluster)?.breaker.reset(),
    forget(cluster) {
      clusters.delete(cluster);
      circuits.remove({ cluster });
    },
    admit({ cluster, isLong, onGone }) {
      const { short, long, breaker } = limited(cluster);
      const verdict = breaker.ask();
      if (verdict.kind === "refuse") {
        refused.inc({ reason: "circuit_open" });
        throw circuitOpen(cluster, verdict.retryInMs, verdict.because);
      }
      const gates = isLong ? [long] : [short, all];
      const refuse = (refusal: Refusal): never => {
        verdict.attempt.abandoned();
        refused.inc({ reason: refusal });
        throw overloaded(cluster, refusal);
      };
      const entered = enterAll(gates, onGone);
      if (entered instanceof Promise) {
        return entered.then((refusal) =>
          refusal === undefined ? admission(gates, verdict.attempt) : refuse(refusal),
        );
      }
      return entered === undefined ? admission(gates, verdict.attempt) : refuse(entered);
    },
  };
}

/** Registers the series. */
function limitMetrics(metrics: Metrics, clusters: ReadonlyMap<string, Limited>) {
  const refused = metrics.counter({
    name: "spokeway_gateway_refused_requests_total",
    help: "Requests that the gateway refused to protect a cluster or itself.",
    labels: ["reason"],
  });
  const circuits = metrics.gauge({
    name: "spokeway_gateway_circuit_open",
    help: "1 for each cluster whose requests are refused at once, because it does not answer.",
    labels: ["cluster"],
    collect: (gauge) => {
      for (const [cluster, { breaker }] of clusters) {
        if (breaker.state === "closed") gauge.remove({ cluster });
        else gauge.set(1, { cluster });
      }
    },
  });
  return { refused, circuits };
}

function enterAll(
  [gate, ...others]: readonly Gate[],
  onGone: Admitted["onGone"],
): undefined | Refusal | Promise<undefined | Refusal> {
  if (gate === undefined) return undefined;
  const goOn = (refusal: undefined | Refusal) => {
    if (refusal !== undefined) return refusal;
    const rest = enterAll(others, onGone);
    if (rest instanceof Promise) return rest.then((last) => left(gate, last));
    return left(gate, rest);
  };
  const entered = gate.enter(onGone);
  return entered instanceof Promise ? entered.then(goOn) : goOn(entered);
}

function left(gate: Gate, refusal: undefined | Refusal): undefined | Refusal {
  if (refusal !== undefined) gate.leave();
  return refusal;
}

function admission(gates: readonly Gate[], attempt: Attempt): Admission {
  return {
    answered: () => attempt.succeeded(),
    failed({ code, message }) {
      if (telling.has(code)) attempt.failed(message);
      else attempt.abandoned();
    },
    leave() {
      attempt.abandoned();
      for (const gate of gates) gate.leave();
    },
  };
}

function circuitOpen(name: string, retryInMs: number, because: string): GatewayError {
  const seconds = (retryInMs / 1000).toFixed(1);
  return new GatewayError(
    "circuit_open",
    `Cluster "${name}" is not asked for ${seconds} s more, since it did not answer before: ${because}`,
    { details: { name, resource: "clustergateways" } },
  );
}

function overloaded(name: string, refusal: Refusal): GatewayError {
  if (refusal === "left") return new GatewayError("client_gone", "The client left while it waited");
  return new GatewayError(
    "overloaded",
    `Cannot take more requests for cluster "${name}" now: too many are under way. Try again in a moment.`,
    { details: { name, resource: "clustergateways" } },
  );
}
