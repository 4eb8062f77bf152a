import { type Exchange, headerValues, type RawHeaders } from "#proxy";
import { formatTraceparent, parseTraceContext, type Span, type Tracer } from "#runtime";
import { readManagedRequest } from "./managed-request/managed-request.ts";
import type { ProxyRoute } from "./proxying/proxy-cluster.ts";

/**
 * Answers a request to a managed cluster as one span, which goes on with the client's trace. It
 * says what is asked of which cluster, and nothing of a path or query, which may hold anything.
 */
export async function tracedRequest(
  tracer: Tracer | undefined,
  { method, headers }: Exchange,
  { name, rest, query }: ProxyRoute,
  answer: () => Promise<void>,
): Promise<void> {
  if (tracer === undefined) return answer();
  const parents = headerValues(headers, "traceparent");
  const parent = parseTraceContext(parents, headerValues(headers, "tracestate"));
  const { verb, group, resource, subresource } = readManagedRequest(method, rest, query);
  const attributes = {
    "http.request.method": method,
    "k8s.cluster.name": name,
    "k8s.verb": verb,
    "k8s.resource": [resource, subresource].filter((part) => part !== "").join("/"),
    "k8s.group": group,
  };
  return tracer.span("clustergateways/proxy", { kind: "server", parent, attributes }, answer);
}

/** Sends a request as one span, with the fields that let the managed API server go on with it. */
export async function tracedUpstream<T>(
  tracer: Tracer | undefined,
  send: (headers: RawHeaders) => Promise<T>,
): Promise<T> {
  if (tracer === undefined) return send([]);
  return tracer.span("upstream", { kind: "client" }, async (span) => send(traceHeaders(span)));
}

function traceHeaders({ context }: Span): RawHeaders {
  const { state } = context;
  const parent = ["traceparent", formatTraceparent(context)];
  return state === undefined ? parent : [...parent, "tracestate", state];
}
