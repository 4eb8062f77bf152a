import type { KubeObject } from "#api";
import { type Exchange, headerValue } from "#proxy";
import { GatewayError } from "../answers/gateway-error.ts";
import { type IncludeObject, tableOf } from "./table.ts";

/** How a client wants objects to look. */
export interface Rendering<Item extends KubeObject> {
  one(item: Item): unknown;
  many(items: readonly Item[], resourceVersion: string): unknown;
}

export interface Shape<Item extends KubeObject> {
  readonly apiVersion: string;
  readonly listKind: string;
  readonly columns: Parameters<typeof tableOf<Item>>[1];
}

/**
 * Chooses between plain objects and the `Table` that kubectl asks for by its Accept field. Throws
 * a GatewayError `bad_request` for an `includeObject` that does not exist.
 */
export function renderingFor<Item extends KubeObject>(
  { headers }: Pick<Exchange, "headers">,
  query: URLSearchParams,
  shape: Shape<Item>,
): Rendering<Item> {
  const apiVersion = tableVersion(headerValue(headers, "accept") ?? "");
  if (apiVersion === undefined) return plain(shape);
  const includeObject = parseInclude(query.get("includeObject") ?? "Metadata");
  const options = { apiVersion, includeObject };
  return {
    one: (item) =>
      tableOf([item], shape.columns, {
        ...options,
        resourceVersion: item.metadata.resourceVersion,
      }),
    many: (items, resourceVersion) =>
      tableOf(items, shape.columns, { ...options, resourceVersion }),
  };
}

function plain<Item extends KubeObject>({ apiVersion, listKind }: Shape<Item>): Rendering<Item> {
  return {
    one: (item) => item,
    many: (items, resourceVersion) => ({
      apiVersion,
      kind: listKind,
      metadata: { resourceVersion },
      items,
    }),
  };
}

/** The first form in the Accept field that we have decides; versions as its parameters say. */
function tableVersion(accept: string): string | undefined {
  for (const range of accept.split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    if (type !== "application/json" && type !== "*/*" && type !== "application/*") continue;
    if (!parameters.includes("as=table")) return undefined;
    const version = parameters.find((part) => part.startsWith("v="))?.slice(2);
    if (version === "v1" || version === "v1beta1") return `meta.k8s.io/${version}`;
  }
  return undefined;
}

function parseInclude(value: string): IncludeObject {
  if (value === "None" || value === "Metadata" || value === "Object") return value;
  throw new GatewayError(
    "bad_request",
    `Cannot use includeObject "${value}": expected None, Metadata or Object`,
  );
}
