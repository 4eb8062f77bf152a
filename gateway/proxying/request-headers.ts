import { type HeaderPolicy, isIdentityHeader, type RawHeaders } from "#proxy";
import type { ReadyCredential } from "../clusters/cluster.ts";
import type { Actor, PassActor } from "../identity/actor.ts";
import { impersonationFields } from "../identity/impersonation-fields.ts";

/**
 * The fields of a request for a managed cluster: what says who the caller is on the hub stays
 * behind, in every place where an API server looks for it, and our own credential is set, with whom
 * it is to act as, and further fields of our `own`. Throws a GatewayError `forbidden` for a user who cannot be carried.
 */
export function managedRequestHeaders(
  credential: ReadyCredential,
  actor: Actor | PassActor,
  own: RawHeaders,
): HeaderPolicy {
  const token = bearerOf(credential, actor);
  // A state belongs to the parent that it came with.
  const isTraced = own.includes("traceparent");
  return {
    isDropped: (name) => isIdentityHeader(name) || (isTraced && name === "tracestate"),
    rewrite: (name, value) =>
      name === "sec-websocket-protocol" ? withoutBearerProtocol(value) : value,
    set: [
      ...(token === undefined ? [] : ["authorization", `Bearer ${token}`]),
      ...(actor.kind === "user" ? impersonationFields(actor.user) : []),
      ...own,
    ],
  };
}

function bearerOf(credential: ReadyCredential, actor: Actor | PassActor): string | undefined {
  if (actor.kind === "pass") return actor.token;
  return credential.kind === "token" ? credential.token : undefined;
}

/** API servers also take a token from a browser's WebSocket, in this guise. */
const bearerProtocol = /^base64url\.bearer\.authorization\.k8s\.io\./i;

/** The protocols that a browser offers, but for the one that is a token in disguise. */
export function withoutBearerProtocol(value: string): string | undefined {
  const kept = value
    .split(",")
    .map((protocol) => protocol.trim())
    .filter((protocol) => !bearerProtocol.test(protocol));
  return kept.length === 0 ? undefined : kept.join(", ");
}
