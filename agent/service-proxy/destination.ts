import { serviceProxyFields as fields, type ServiceTarget } from "#api";
import { headerValues, type RawHeaders } from "#proxy";
import { ServiceProxyError } from "./service-proxy-error.ts";

/** What a request of the user server is for. */
export type Destination =
  | { readonly kind: "api" }
  | { readonly kind: "service"; readonly target: ServiceTarget };

/**
 * Reads what the user server says that a request is for. Throws a ServiceProxyError `bad_request`
 * for what names no Service: a part of it must never become another part of an address.
 */
export function readDestination(headers: RawHeaders): Destination {
  const scheme = single(headers, fields.scheme);
  const namespace = single(headers, fields.namespace);
  const name = single(headers, fields.name);
  const port = readPort(single(headers, fields.port));
  if (scheme !== "http" && scheme !== "https") throw unusable(fields.scheme, scheme);
  if (!isLabel(namespace)) throw unusable(fields.namespace, namespace);
  if (!isLabel(name)) throw unusable(fields.name, name);
  if (namespace === "default" && name === "kubernetes") return { kind: "api" };
  return { kind: "service", target: { scheme, namespace, name, port } };
}

/** A Service as errors and logs name it. */
export function describeService({ scheme, namespace, name, port }: ServiceTarget): string {
  return `service ${namespace}/${name} (${scheme}, port ${port})`;
}

function single(headers: RawHeaders, field: string): string {
  const [value = "", ...others] = headerValues(headers, field);
  if (others.length > 0) throw unusable(field, "more than one value");
  return value;
}

function readPort(text: string): number {
  const port = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw unusable(fields.port, text);
  return port;
}

function isLabel(text: string): boolean {
  return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text);
}

function unusable(field: string, value: string): ServiceProxyError {
  return new ServiceProxyError("bad_request", `invalid request headers: ${field}: "${value}"`);
}
