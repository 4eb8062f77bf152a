import { fieldsOf, type HeaderPolicy, isIdentityHeader, type RawHeaders } from "#proxy";
import { GatewayError } from "../answers/gateway-error.ts";
import type { ReadyCredential } from "../clusters/cluster.ts";

/**
 * The fields of a request for a managed cluster: what says who the caller is on the hub stays
 * behind, in every place where an API server looks for it, and our own credential is set.
 */
export function managedRequestHeaders(
  credential: ReadyCredential,
  identity: RawHeaders,
): HeaderPolicy {
  const token = credential.kind === "token" ? ["authorization", `Bearer ${credential.token}`] : [];
  return {
    isDropped: isIdentityHeader,
    rewrite: (name, value) =>
      name === "sec-websocket-protocol" ? withoutBearerProtocol(value) : value,
    set: [...token, ...identity],
  };
}

/** API servers also take a token from a browser's WebSocket, in this guise. */
const bearerProtocol = /^base64url\.bearer\.authorization\.k8s\.io\./i;

function withoutBearerProtocol(value: string): string | undefined {
  const kept = value
    .split(",")
    .map((protocol) => protocol.trim())
    .filter((protocol) => !bearerProtocol.test(protocol));
  return kept.length === 0 ? undefined : kept.join(", ");
}

/**
 * Refuses requests that want to act as someone else. To drop the wish and act as the gateway's
 * own identity would be more than was asked for. Throws a GatewayError `bad_request`.
 */
export function refuseImpersonation(headers: RawHeaders, query: string): void {
  if (!wishesToBeAnother(headers) && !/[?&]impersonate=(true|1)(&|$)/i.test(query)) return;
  throw new GatewayError(
    "bad_request",
    "Cannot impersonate: this gateway acts on managed clusters as the ServiceAccount of each cluster",
  );
}

function wishesToBeAnother(headers: RawHeaders): boolean {
  for (const [name] of fieldsOf(headers)) {
    if (name.startsWith("impersonate") && isIdentityHeader(name)) return true;
  }
  return false;
}
