import { apiVersionOf, type ResourceType } from "#api";

/** Parameters of a query; those that are `undefined` are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface ObjectPath {
  readonly name?: string | undefined;
  readonly namespace?: string | undefined;
  readonly subresource?: string | undefined;
}

/** The path of a collection (no name), an object, or one of its subresources. */
export function resourcePath(
  type: Pick<ResourceType, "group" | "version" | "plural" | "namespaced">,
  { name, namespace, subresource }: ObjectPath = {},
): string {
  const root = type.group === "" ? `/api/${type.version}` : `/apis/${apiVersionOf(type)}`;
  const parts = [
    ...(type.namespaced && namespace !== undefined ? ["namespaces", namespace] : []),
    type.plural,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : subresource.split("/")),
  ];
  return `${root}/${parts.map(encodeURIComponent).join("/")}`;
}

/** `path?query`, without the question mark when nothing is asked. */
export function withQuery(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.set(name, String(value));
  }
  return parameters.size === 0 ? path : `${path}?${parameters.toString()}`;
}

/** Labels as a selector: `{a: "b"}` → `a=b`; a value of `undefined` asks for the key alone. */
export function labelSelector(labels: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(labels)
    .map(([key, value]) => (value === undefined ? key : `${key}=${value}`))
    .join(",");
}
