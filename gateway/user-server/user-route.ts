import type { ServiceTarget } from "#api";
import { parseTarget, splitPath } from "#proxy";
import { GatewayError } from "../answers/gateway-error.ts";

/** What a request at the user server's port is for. */
export interface UserRoute {
  readonly cluster: string;
  /** Undefined for the cluster's API server. */
  readonly service: ServiceTarget | undefined;
  /** The path there, untouched; empty for the bare prefix. */
  readonly rest: string;
  readonly query: string;
}

const serviceSegments = 8;

/**
 * Reads `/<cluster>/<path>` and
 * `/<cluster>/api/v1/namespaces/<namespace>/services/<[scheme:]name[:port]>/proxy-service/<path>`.
 * Throws a GatewayError `bad_request`, or a ProxyError `bad_target` for what is no path. The query
 * decides nothing, and an encoded slash never makes two segments of one.
 */
export function parseUserRoute(target: string): UserRoute {
  const { path, query } = parseTarget(target);
  const { segments, rest } = splitPath(path, 1);
  const [cluster = ""] = segments;
  if (!isLabel(cluster) || rest === "") {
    throw badRequest(
      `requestURL format not correct: ${path}: expected /<cluster>/<path of the managed cluster's API>`,
    );
  }
  return serviceRoute(cluster, path, query) ?? { cluster, service: undefined, rest, query };
}

function serviceRoute(cluster: string, path: string, query: string): UserRoute | undefined {
  const { segments, rest } = splitPath(path, serviceSegments);
  const [, api, version, namespaces, namespace = "", services, id = "", proxyService] = segments;
  const isService =
    api === "api" &&
    version === "v1" &&
    namespaces === "namespaces" &&
    services === "services" &&
    proxyService === "proxy-service";
  if (!isService) return undefined;
  if (!isLabel(namespace)) throw badRequest(`invalid namespace "${namespace}"`);
  return { cluster, service: { namespace, ...parseServiceId(id) }, rest, query };
}

type ServiceId = Pick<ServiceTarget, "scheme" | "name" | "port">;

const defaultPorts = { http: "80", https: "443" } as const;

/** `name`, `name:port` or `scheme:name:port`; without a scheme it is https. */
function parseServiceId(id: string): ServiceId {
  const parts = id.split(":");
  if (parts.length > 3) throw invalidService(id, "expected scheme:name:port");
  const [given, name = "", port = ""] = parts.length === 3 ? parts : ["", ...parts];
  const scheme = given === "" ? "https" : given;
  if (scheme !== "http" && scheme !== "https") throw invalidService(id, "expected http or https");
  if (!isLabel(name)) throw invalidService(id, "expected scheme:name:port");
  return { scheme, name, port: parsePort(id, port === "" ? defaultPorts[scheme] : port) };
}

function parsePort(id: string, text: string): number {
  const port = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw invalidService(id, "its port is no number from 1 to 65535");
}

function isLabel(text: string): boolean {
  return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text);
}

function invalidService(id: string, why: string): GatewayError {
  return badRequest(`invalid service name "${id}": ${why}`);
}

function badRequest(message: string): GatewayError {
  return new GatewayError("bad_request", message);
}
