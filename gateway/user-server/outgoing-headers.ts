import { serviceProxyFields as fields, type ServiceTarget } from "#api";
import { type HeaderPolicy, isIdentityHeader, type RawHeaders, rewriteLocation } from "#proxy";
import { impersonationFields } from "../identity/impersonation-fields.ts";
import { withoutBearerProtocol } from "../proxying/request-headers.ts";
import type { UserCaller } from "./caller.ts";
import type { UserRoute } from "./user-route.ts";

const ownFields: ReadonlySet<string> = new Set(Object.values(fields));
/** What upstream calls the API server of a cluster. */
const apiServer: ServiceTarget = {
  scheme: "https",
  namespace: "default",
  name: "kubernetes",
  port: 443,
};

/**
 * The fields of a request for the service proxy. Of a user of the hub it gets the name and groups
 * and no credential; of a managed cluster's account the token, and its wish to impersonate, about
 * which that cluster decides. Whatever else says who somebody is stays behind. Fields of our `own`
 * go along.
 */
export function outgoingHeaders(
  { service = apiServer }: UserRoute,
  caller: UserCaller,
  own: RawHeaders = [],
): HeaderPolicy {
  return {
    isDropped: (name) => ownFields.has(name) || (isIdentityHeader(name) && !isKept(name, caller)),
    rewrite: (name, value) =>
      name === "sec-websocket-protocol" ? withoutBearerProtocol(value) : value,
    set: [
      ...targetFields(service),
      ...(caller.kind === "hub" ? impersonationFields(caller.acting) : []),
      ...own,
    ],
  };
}

/** Names with an underscore are none of these: they only look so to some. */
function isKept(name: string, caller: UserCaller): boolean {
  return caller.kind === "managed" && (name === "authorization" || name.startsWith("impersonate-"));
}

function targetFields({ scheme, namespace, name, port }: ServiceTarget): RawHeaders {
  const target = { [fields.scheme]: scheme, [fields.namespace]: namespace, [fields.name]: name };
  return Object.entries({ ...target, [fields.port]: String(port) }).flat();
}

/**
 * What becomes of an answer's fields: addresses at the cluster or Service are told as the client
 * finds them, and cookies of a Service are for nobody but that Service.
 */
export function incomingHeaders(target: string, { service, rest, query }: UserRoute): HeaderPolicy {
  const publicPath = target.slice(0, target.length - query.length - rest.length);
  const host = service === undefined ? "" : `${service.name}.${service.namespace}.svc`;
  const authorities = service === undefined ? [] : [host, `${host}:${service.port}`];
  return {
    rewrite(name, value) {
      if (name === "location" || name === "content-location") {
        return rewriteLocation(value, { authorities, basePath: "", publicPath });
      }
      return name === "set-cookie" ? scopedCookie(value, publicPath) : value;
    },
  };
}

/** A cookie that is sent back below `publicPath` only, to this host only. */
export function scopedCookie(cookie: string, publicPath: string): string {
  const [pair = "", ...attributes] = cookie.split(";").map((part) => part.trim());
  const named = (attribute: string, name: string) =>
    attribute.toLowerCase().split("=", 1)[0]?.trim() === name;
  const path = attributes.find((attribute) => named(attribute, "path"))?.replace(/^[^=]*=?\s*/, "");
  const below = path?.startsWith("/") === true && path !== "/" ? path : "";
  const kept = attributes.filter((one) => !named(one, "path") && !named(one, "domain"));
  return [pair, ...kept, `Path=${publicPath}${below === "" ? "/" : below}`].join("; ");
}
