import type { ProxyError, ProxyErrorCode } from "#proxy";
import { describeError } from "#runtime";
import { TunnelError, type TunnelErrorCode } from "#tunnel";
import { GatewayError, type GatewayErrorCode } from "../answers/gateway-error.ts";
import type { Cluster } from "../clusters/cluster.ts";

/** What is told about one kind of failure. */
interface Telling {
  readonly code: GatewayErrorCode;
  /** The hop that failed, and how. */
  readonly what: string;
  /** What to do about it. */
  readonly advice: string;
}

const retry = "Try again.";
const checkAgent =
  "On the managed cluster, see that the cluster-proxy agent runs and reaches the hub; on the hub, see ManagedClusterAddOn cluster-proxy of this cluster.";
const checkServer = "On the hub, see that the tunnel server (Deployment cluster-proxy) runs.";
const checkApi = "See that the managed cluster's API server runs and answers.";

/** Total by construction: a new code does not compile until someone decides what to tell. */
const ofProxy: Readonly<Record<ProxyErrorCode, Telling>> = {
  bad_target: { code: "bad_request", what: "the path cannot be forwarded", advice: "" },
  overloaded: {
    code: "overloaded",
    what: "every connection to it is in use",
    advice: "Try again in a moment.",
  },
  dial_failed: { code: "unreachable", what: "no connection to its API server", advice: checkApi },
  dial_timeout: {
    code: "timeout",
    what: "connecting to its API server took too long",
    advice: checkApi,
  },
  tls_failed: {
    code: "unreachable",
    what: "its API server broke off the TLS handshake",
    advice: checkApi,
  },
  tls_unverified: {
    code: "untrusted",
    what: "the certificate of its API server is not from the CA that came with the token, or has another name",
    advice: "See that ca.crt in the cluster's Secret is the CA of the managed API server.",
  },
  upstream_lost: {
    code: "broken_answer",
    what: "the connection to its API server ended before an answer",
    advice: "The request may have been carried out. " + retry,
  },
  upstream_refused: {
    code: "overloaded",
    what: "its API server refused the request",
    advice: "Try again in a moment.",
  },
  response_timeout: {
    code: "timeout",
    what: "its API server took too long to answer",
    advice: "The request may have been carried out. " + checkApi,
  },
  bad_response: {
    code: "broken_answer",
    what: "its API server answered with something that is not HTTP",
    advice: checkApi,
  },
  closed: {
    code: "cluster_not_ready",
    what: "its connection settings have just changed",
    advice: retry,
  },
  client_gone: { code: "client_gone", what: "the client left", advice: "" },
};

const ofTunnel: Readonly<Record<TunnelErrorCode, Telling>> = {
  unreachable: {
    code: "tunnel_down",
    what: "the tunnel is down: no tunnel server answers",
    advice: checkServer,
  },
  no_agent: {
    code: "tunnel_down",
    what: "the tunnel is down: its agent is not connected to the tunnel server",
    advice: checkAgent,
  },
  dial_refused: {
    code: "unreachable",
    what: "its agent is connected, but the API server refused the connection",
    advice: checkApi,
  },
  dial_timeout: {
    code: "timeout",
    what: "nobody at the other end of the tunnel answered in time",
    advice: checkAgent,
  },
  dial_failed: {
    code: "unreachable",
    what: "its agent is connected, but cannot dial the API server",
    advice: "On the managed cluster, see the Service named like the cluster beside the agent.",
  },
  closed: { code: "unreachable", what: "the tunnel broke while connecting", advice: retry },
  protocol: {
    code: "broken_answer",
    what: "the tunnel server answered out of turn",
    advice: checkServer,
  },
};

/** Longer than an agent, a tunnel server or an API server needs to be replaced by its successor. */
const freshMs = 5000;

/**
 * What to tell a client about a request that did not reach, or not come back from, a managed
 * cluster: the cluster, the hop, since when, and what to do.
 */
export function upstreamError(
  error: ProxyError,
  { name }: Pick<Cluster, "name">,
  since: Date | undefined,
  now = new Date(),
): GatewayError {
  const { code, what, advice } = tellingOf(error);
  const time = since === undefined ? "" : ` (since ${since.toISOString()})`;
  const cause = code === "bad_request" ? error.message : describeCause(error);
  const message = `Cannot reach cluster "${name}": ${what}${time}${cause === "" ? "" : `: ${cause}`}. ${advice}`;
  const isFresh = since === undefined || now.getTime() - since.getTime() < freshMs;
  const details = { name, resource: "clustergateways", isFresh };
  return new GatewayError(code, message.trimEnd(), { cause: error, details });
}

function tellingOf(error: ProxyError): Telling {
  const { cause } = error;
  return cause instanceof TunnelError ? ofTunnel[cause.code] : ofProxy[error.code];
}

function describeCause({ cause }: ProxyError): string {
  return cause === undefined ? "" : describeError(cause);
}
