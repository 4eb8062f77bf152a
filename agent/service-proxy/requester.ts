import { systemPrefix } from "#api";
import { fieldsOf, headerValues, isIdentityHeader, type RawHeaders } from "#proxy";
import { ServiceProxyError } from "./service-proxy-error.ts";

/** As whom a request is to be carried out. */
export type Requester =
  /** Whoever the managed cluster finds by the token that came; `impersonation` is its own affair. */
  | { readonly kind: "token"; readonly token: string; readonly impersonation: RawHeaders }
  /** A user of the hub, whom the user server vouches for and the agent impersonates. */
  | { readonly kind: "user"; readonly impersonation: RawHeaders };

/**
 * Reads who asks, on a connection that has proved to be the user server's. With a token, nothing is
 * done by rights of the agent; without one, the user that is named is whom the hub has authenticated.
 *
 * Throws a ServiceProxyError: `unauthenticated` for nobody, `bad_request` for what can be read in
 * more than one way, `forbidden` for a name that the managed cluster keeps to itself.
 */
export function readRequester(headers: RawHeaders): Requester {
  const impersonation = impersonationOf(headers);
  const [authorization, ...others] = headerValues(headers, "authorization");
  if (others.length > 0) throw unclear("Authorization came more than once");
  if (authorization !== undefined) {
    const token = /^bearer +([\x21-\x7e]+)$/i.exec(authorization)?.[1];
    if (token === undefined) throw unauthenticated("Authorization is no bearer token");
    return { kind: "token", token, impersonation };
  }
  checkUser(impersonation);
  return { kind: "user", impersonation };
}

/** `impersonate-user` and its like. What merely looks like one, with an underscore, is left behind. */
function impersonationOf(headers: RawHeaders): RawHeaders {
  return [...fieldsOf(headers)].flatMap(([name, value]) =>
    isImpersonation(name) ? [name, value] : [],
  );
}

/** By its lower-case name. */
export function isImpersonation(name: string): boolean {
  return name.startsWith("impersonate-") && isIdentityHeader(name);
}

function checkUser(impersonation: RawHeaders): void {
  const users = headerValues(impersonation, "impersonate-user");
  const groups = headerValues(impersonation, "impersonate-group");
  const [user = "", ...others] = users;
  if (user === "") throw unauthenticated("neither a token nor a user of the hub came with it");
  if (others.length > 0) throw unclear("more than one user is named");
  for (const [name] of fieldsOf(impersonation)) {
    if (name === "impersonate-user" || name === "impersonate-group") continue;
    throw unclear(`${name} is not carried`);
  }
  const own = [user, ...groups].find((name) => name.startsWith(systemPrefix));
  if (own === undefined) return;
  throw new ServiceProxyError(
    "forbidden",
    `Cannot act as "${own}": names in ${systemPrefix} are the managed cluster's own`,
  );
}

function unclear(why: string): ServiceProxyError {
  return new ServiceProxyError("bad_request", `invalid request headers: ${why}`);
}

function unauthenticated(why: string): ServiceProxyError {
  return new ServiceProxyError("unauthenticated", `authentication failed: ${why}`);
}
