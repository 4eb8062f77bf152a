/** What someone wants to do, in the words of Kubernetes' authorization. */
export type Attributes =
  | {
      readonly kind: "resource";
      readonly verb: string;
      readonly group: string;
      readonly version: string;
      readonly resource: string;
      readonly subresource: string;
      readonly name: string;
      /** Without it, the whole cluster. */
      readonly namespace?: string;
    }
  | { readonly kind: "path"; readonly verb: string; readonly path: string };

const verbOfMethod: Readonly<Record<string, string>> = {
  GET: "get",
  HEAD: "get",
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

/** The verb of a method; empty for those that have none, as API servers do. */
export function verbOf(method: string): string {
  return verbOfMethod[method] ?? "";
}
