import { serviceProxyFields } from "#api";
import { type HeaderPolicy, isIdentityHeader, type RawHeaders } from "#proxy";
import { isImpersonation, type Requester } from "./requester.ts";

const ownFields: ReadonlySet<string> = new Set(Object.values(serviceProxyFields));

/**
 * The fields of a request for the managed API server. Who comes with a token keeps it, and his own
 * wish to impersonate; a user of the hub is impersonated with the agent's own `token`.
 */
export function apiRequestHeaders(
  requester: Requester,
  ownToken: string | undefined,
): HeaderPolicy {
  if (requester.kind === "token") {
    return {
      isDropped: (name) =>
        ownFields.has(name) ||
        (isIdentityHeader(name) && name !== "authorization" && !isImpersonation(name)),
    };
  }
  return { isDropped: isDroppedAlways, set: userFields(requester.impersonation, ownToken) };
}

/** Fields by which the agent acts as a user of the hub. */
export function userFields(impersonation: RawHeaders, ownToken: string | undefined): RawHeaders {
  return ["authorization", `Bearer ${ownToken ?? ""}`, ...impersonation];
}

/**
 * The fields of a request for a Service. A token of the managed cluster is for what runs there, and
 * goes on; of a user of the hub nothing does, and nothing ever of the agent's own.
 */
export function serviceRequestHeaders(requester: Requester): HeaderPolicy {
  if (requester.kind === "user") return { isDropped: isDroppedAlways };
  return { isDropped: isDroppedAlways, set: ["authorization", `Bearer ${requester.token}`] };
}

function isDroppedAlways(name: string): boolean {
  return ownFields.has(name) || isIdentityHeader(name);
}
