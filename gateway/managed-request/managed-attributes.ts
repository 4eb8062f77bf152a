import { GatewayError } from "../answers/gateway-error.ts";
import { type Attributes, verbOf } from "../authorization/attributes.ts";
import { isWatch } from "../route.ts";

/**
 * What a request to a managed cluster does there, as that cluster's own API server reads it: list,
 * watch and deletecollection are verbs of their own, and escapes in the path are none any more.
 *
 * Throws a GatewayError `bad_request` for a path that could be read in more than one way.
 */
export function managedAttributes(method: string, managedPath: string, query: string): Attributes {
  const path = decodePath(managedPath);
  const parts = path.split("/").slice(1);
  if (parts.at(-1) === "") parts.pop();
  if (parts.includes("")) throw ambiguous("it has an empty segment");
  const [root, ...rest] = parts;
  const group = root === "apis" ? rest.shift() : "";
  const version = rest.shift();
  const isApi = root === "api" || root === "apis";
  if (!isApi || group === undefined || version === undefined || rest.length === 0) {
    return { kind: "path", verb: method.toLowerCase(), path };
  }
  return resourceAttributes(method, query, { group, version }, rest);
}

function decodePath(rest: string): string {
  try {
    return rest === "" ? "/" : decodeURIComponent(rest);
  } catch {
    throw ambiguous("an escape in it is broken");
  }
}

function ambiguous(why: string): GatewayError {
  return new GatewayError(
    "bad_request",
    `Cannot authorize the path on the managed cluster: ${why}`,
  );
}

/** Old forms of paths have a verb before the resource. */
const pathVerbs = new Set(["watch", "proxy"]);

function resourceAttributes(
  method: string,
  query: string,
  api: { readonly group: string; readonly version: string },
  parts: readonly string[],
): Attributes {
  const pathVerb = pathVerbs.has(parts[0] ?? "") ? parts[0] : undefined;
  const { namespace, path } = splitNamespace(pathVerb === undefined ? parts : parts.slice(1));
  const [resource = "", name = fieldName(query), subresource = ""] = path;
  const verb = pathVerb ?? resourceVerb(method, query, path.length > 1);
  const what = { ...api, resource, subresource, name };
  return { kind: "resource", verb, ...what, ...(namespace === undefined ? {} : { namespace }) };
}

/** What is said of a namespace is in it, but the namespace itself and two parts of it. */
function splitNamespace(parts: readonly string[]): {
  readonly namespace: string | undefined;
  readonly path: readonly string[];
} {
  const [first, namespace, third] = parts;
  if (first !== "namespaces" || namespace === undefined)
    return { namespace: undefined, path: parts };
  const isItself = third === undefined || third === "status" || third === "finalize";
  return { namespace, path: isItself ? parts : parts.slice(2) };
}

function resourceVerb(method: string, query: string, isNamed: boolean): string {
  const verb = verbOf(method);
  if (isNamed) return verb;
  if (verb === "delete") return "deletecollection";
  if (verb !== "get") return verb;
  return isWatch(query) ? "watch" : "list";
}

/** A list or watch of one object by its name is about that object. */
function fieldName(query: string): string {
  return (
    /^metadata\.name=([^,=!]+)$/.exec(new URLSearchParams(query).get("fieldSelector") ?? "")?.[1] ??
    ""
  );
}
