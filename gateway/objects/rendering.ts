import type { KubeObject } from "#api";
import { type Exchange, headerValue } from "#proxy";
import { GatewayError } from "../answers/gateway-error.ts";
import { type IncludeObject, metadataOnly, tableOf } from "./table.ts";

/** What a list says beside its items. */
export interface ListMeta {
  readonly resourceVersion: string;
  readonly continue?: string | undefined;
  readonly remainingItemCount?: number | undefined;
}

/** All that a bookmark says. */
export interface BookmarkMeta {
  readonly resourceVersion: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** How a client wants objects to look. */
export interface Rendering<Item extends KubeObject> {
  one(item: Item): unknown;
  many(items: readonly Item[], metadata: ListMeta): unknown;
  /** One event of a watch; only the first of a Table describes its columns. */
  event(item: Item): unknown;
  /** The object of a bookmark, which is nothing but metadata. */
  bookmark(metadata: BookmarkMeta): unknown;
}

export interface Shape<Item extends KubeObject> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly columns: Parameters<typeof tableOf<Item>>[1];
}

/**
 * Chooses between plain objects, their metadata alone, and the `Table` that kubectl asks for by
 * its Accept field. Throws a GatewayError `bad_request` for an `includeObject` that does not exist.
 */
export function renderingFor<Item extends KubeObject>(
  { headers }: Pick<Exchange, "headers">,
  query: URLSearchParams,
  shape: Shape<Item>,
): Rendering<Item> {
  const { form, version } = formOf(headerValue(headers, "accept") ?? "");
  const apiVersion = `meta.k8s.io/${version}`;
  if (form === "plain") return plain(shape);
  if (form === "metadata") return onlyMetadata(apiVersion);
  return table(shape, apiVersion, parseInclude(query.get("includeObject") ?? "Metadata"));
}

function plain<Item extends KubeObject>({ apiVersion, kind }: Shape<Item>): Rendering<Item> {
  return {
    one: (item) => item,
    event: (item) => item,
    many: (items, metadata) => ({ apiVersion, kind: `${kind}List`, metadata, items }),
    bookmark: (metadata) => ({ apiVersion, kind, metadata }),
  };
}

function onlyMetadata<Item extends KubeObject>(apiVersion: string): Rendering<Item> {
  const kind = "PartialObjectMetadata";
  const one = (item: Item) => metadataOnly(item, apiVersion);
  return {
    one,
    event: one,
    many: (items, metadata) => ({
      apiVersion,
      kind: `${kind}List`,
      metadata,
      items: items.map(one),
    }),
    bookmark: (metadata) => ({ apiVersion, kind, metadata }),
  };
}

function table<Item extends KubeObject>(
  { columns, ...shape }: Shape<Item>,
  apiVersion: string,
  includeObject: IncludeObject,
): Rendering<Item> {
  let hasDescribed = false;
  const render = (items: readonly Item[], metadata: Partial<ListMeta>, isDescribed = true) =>
    tableOf(items, columns, { apiVersion, includeObject, metadata, isDescribed });
  const event = (item: Item) => {
    const isDescribed = !hasDescribed;
    hasDescribed = true;
    return render([item], versionOf(item), isDescribed);
  };
  return {
    one: (item) => render([item], versionOf(item)),
    many: (items, metadata) => render(items, metadata),
    event,
    bookmark: (metadata) => ({
      kind: "Table",
      apiVersion,
      metadata: { resourceVersion: metadata.resourceVersion },
      columnDefinitions: null,
      rows: [{ cells: null, object: { apiVersion: shape.apiVersion, kind: shape.kind, metadata } }],
    }),
  };
}

function versionOf({ metadata: { resourceVersion } }: KubeObject): Partial<ListMeta> {
  return resourceVersion === undefined ? {} : { resourceVersion };
}

interface Form {
  readonly form: "plain" | "metadata" | "table";
  readonly version: "v1" | "v1beta1";
}

const forms: Readonly<Record<string, Form["form"]>> = {
  table: "table",
  partialobjectmetadata: "metadata",
  partialobjectmetadatalist: "metadata",
};

/** The first form in the Accept field that we have decides; versions as its parameters say. */
function formOf(accept: string): Form {
  for (const range of accept.split(",")) {
    const form = formOfRange(range.split(";").map((part) => part.trim().toLowerCase()));
    if (form !== undefined) return form;
  }
  return { form: "plain", version: "v1" };
}

const jsonTypes = new Set(["application/json", "application/*", "*/*"]);

function formOfRange([type = "", ...parameters]: readonly string[]): Form | undefined {
  if (!jsonTypes.has(type)) return undefined;
  const valueOf = (key: string) =>
    parameters.find((part) => part.startsWith(`${key}=`))?.slice(key.length + 1);
  const as = valueOf("as");
  if (as === undefined) return { form: "plain", version: "v1" };
  const [form, version] = [forms[as], valueOf("v")];
  const isKnown = version === "v1" || version === "v1beta1";
  return form !== undefined && isKnown ? { form, version } : undefined;
}

function parseInclude(value: string): IncludeObject {
  if (value === "None" || value === "Metadata" || value === "Object") return value;
  throw new GatewayError(
    "bad_request",
    `Cannot use includeObject "${value}": expected None, Metadata or Object`,
  );
}
