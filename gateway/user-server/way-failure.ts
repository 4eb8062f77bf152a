import { managedClusters } from "#api";
import type { ProxyError } from "#proxy";
import { describeError } from "#runtime";
import { TunnelError, type TunnelErrorCode } from "#tunnel";
import { GatewayError, type GatewayErrorCode } from "../answers/gateway-error.ts";

type Telling = readonly [code: GatewayErrorCode, what: string];

const noServiceProxy =
  "its agent does not lead to a service proxy. See that the addon runs with enableServiceProxy, and that the agent's log says that its service proxy is ready";

/** Total by construction: a new code does not compile until someone decides what to tell. */
const ofTunnel: Readonly<Record<TunnelErrorCode, Telling>> = {
  unreachable: [
    "tunnel_down",
    "no tunnel server answers. On the hub, see Deployment cluster-proxy",
  ],
  no_agent: [
    "tunnel_down",
    "no agent with a service proxy is connected. On the hub, see ManagedClusterAddOn cluster-proxy of this cluster",
  ],
  dial_refused: ["unreachable", noServiceProxy],
  dial_failed: ["unreachable", noServiceProxy],
  dial_timeout: ["timeout", "nobody at the other end of the tunnel answered in time"],
  closed: ["unreachable", "the tunnel broke while connecting. Try again"],
  protocol: ["broken_answer", "the tunnel server answered out of turn"],
};

const ofProxy: Readonly<Record<ProxyError["code"], Telling>> = {
  bad_target: ["bad_request", "the path cannot be forwarded"],
  overloaded: ["overloaded", "every connection to its agent is in use. Try again in a moment"],
  dial_failed: ["unreachable", "no connection to its service proxy"],
  dial_timeout: ["timeout", "connecting to its service proxy took too long"],
  tls_failed: ["unreachable", "its service proxy broke off the TLS handshake"],
  tls_unverified: [
    "untrusted",
    "the certificate of its service proxy is not from the authority of the agents, is for another cluster, or is an old one that may not serve yet",
  ],
  upstream_lost: [
    "broken_answer",
    "the connection to its service proxy ended before an answer. The request may have been carried out",
  ],
  upstream_refused: ["overloaded", "its service proxy refused the request. Try again in a moment"],
  response_timeout: [
    "timeout",
    "its API server took too long to answer. The request may have been carried out",
  ],
  bad_response: ["broken_answer", "its service proxy answered with something that is not HTTP"],
  closed: ["cluster_not_ready", "its connection settings have just changed. Try again"],
  client_gone: ["client_gone", "the client left"],
};

/** What to tell a client about a request that did not reach the agent of a cluster, or come back. */
export function wayFailure(error: ProxyError, cluster: string): GatewayError {
  const { cause } = error;
  const [code, what] = cause instanceof TunnelError ? ofTunnel[cause.code] : ofProxy[error.code];
  const told = code === "bad_request" ? error.message : describeError(cause ?? "");
  const message = `Cannot reach cluster "${cluster}": ${what}${told === "" ? "" : `: ${told}`}`;
  return new GatewayError(code, message, {
    cause: error,
    details: { name: cluster, resource: managedClusters.plural, isFresh: true },
  });
}
