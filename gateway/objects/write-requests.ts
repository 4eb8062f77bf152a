import * as z from "zod";
import { apiVersionOf, type ClusterGateway, clusterGateways } from "#api";
import { type Exchange, goneSignal, headerValue } from "#proxy";
import { GatewayError } from "../answers/gateway-error.ts";
import { objectTypes, parseBody, readBody } from "./body.ts";
import { type ClusterGatewayInput, readInput } from "./cluster-gateway-input.ts";
import { type DeleteRequest, invalid, type WriteRequest } from "./cluster-gateway-writer.ts";
import { jsonPatch, mergePatch, PatchError } from "./patching.ts";

/** A ClusterGateway that passed every check, and what to warn its sender of. */
export interface ReadObject {
  readonly input: ClusterGatewayInput;
  /** Header fields of the answer. */
  readonly warnings: readonly string[];
}

const patchTypes = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  apply: "application/apply-patch+yaml",
} as const;

/** How the body of a PATCH changes an object. */
export type PatchForm =
  | { readonly kind: "apply"; readonly body: unknown }
  | { readonly kind: "change"; readonly change: (object: unknown) => unknown };

/** Reads the flags that all writes have. Throws a GatewayError `bad_request`. */
export function writeRequestOf(exchange: Exchange, query: URLSearchParams): WriteRequest {
  const wishes = query.getAll("dryRun").filter((value) => value !== "");
  if (wishes.some((value) => value !== "All")) {
    throw new GatewayError("bad_request", `Cannot use dryRun "${wishes.join(",")}": expected All`);
  }
  return { isDryRun: wishes.length > 0, signal: goneSignal(exchange) };
}

/** Reads the object in a body. Throws a GatewayError. */
export async function readObject(
  exchange: Exchange,
  query: URLSearchParams,
  present?: ClusterGateway,
): Promise<ReadObject> {
  return checkObject(parseBody(await readBody(exchange), objectTypes), query, present);
}

/**
 * Checks an object as `fieldValidation` of the query says: unknown fields are refused (`Strict`),
 * told of (`Warn`, the default) or dropped (`Ignore`). Throws a GatewayError.
 */
export function checkObject(
  body: unknown,
  query: URLSearchParams,
  present?: ClusterGateway,
): ReadObject {
  const { input, faults, unknownFields } = readInput(withType(body), present);
  const validation = query.get("fieldValidation") ?? "Warn";
  const unknown = unknownFields.map((field) => `unknown field "${field}"`);
  if (validation === "Strict" && unknown.length > 0) {
    throw new GatewayError("bad_request", `strict decoding error: ${unknown.join(", ")}`);
  }
  if (input === undefined) throw invalid(nameIn(body), faults);
  const warned = validation === "Ignore" ? [] : unknown;
  const warnings = warned.flatMap((text) => ["warning", `299 - ${JSON.stringify(text)}`]);
  return { input, warnings };
}

/** Lists and some clients leave out what every object of the path is. */
function withType(body: unknown): unknown {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new GatewayError("bad_request", "the object provided is unrecognized: it is no object");
  }
  return { apiVersion: apiVersionOf(clusterGateways), kind: clusterGateways.kind, ...body };
}

function nameIn(body: unknown): string {
  const name = (body as { readonly metadata?: { readonly name?: unknown } | null }).metadata?.name;
  return typeof name === "string" ? name : "";
}

/** Reads the body of a PATCH. Throws a GatewayError, `unsupported_media_type` for forms that CRDs lack too. */
export async function readPatch(exchange: Exchange): Promise<PatchForm> {
  const body = await readBody(exchange);
  const value = parseBody(
    body.mediaType === "" ? { ...body, mediaType: "?" } : body,
    Object.values(patchTypes),
  );
  switch (body.mediaType) {
    case patchTypes.apply:
      return { kind: "apply", body: value };
    case patchTypes.json:
      return { kind: "change", change: (object) => patched(() => jsonPatch(object, value)) };
    default:
      return { kind: "change", change: (object) => mergePatch(object, value) };
  }
}

function patched(apply: () => unknown): unknown {
  try {
    return apply();
  } catch (cause) {
    if (!(cause instanceof PatchError)) throw cause;
    const message = `the server rejected our request due to an error in our request: ${cause.message}`;
    throw new GatewayError("invalid", message, { cause });
  }
}

const deleteOptions = z.looseObject({
  dryRun: z.array(z.literal("All")).nullish(),
  preconditions: z
    .looseObject({ uid: z.string().nullish(), resourceVersion: z.string().nullish() })
    .nullish(),
  propagationPolicy: z.enum(["Background", "Foreground", "Orphan"]).nullish(),
  orphanDependents: z.boolean().nullish(),
});

/** Reads how to delete, from the body and the query. Throws a GatewayError. */
export async function readDelete(
  exchange: Exchange,
  query: URLSearchParams,
): Promise<DeleteRequest> {
  const request = writeRequestOf(exchange, query);
  const body = await readBody(exchange);
  const parsed = deleteOptions.safeParse(body.text === "" ? {} : parseBody(body, objectTypes));
  if (!parsed.success) {
    throw new GatewayError(
      "bad_request",
      `Cannot read DeleteOptions: ${z.prettifyError(parsed.error)}`,
    );
  }
  const { dryRun, preconditions, ...rest } = parsed.data;
  return {
    signal: request.signal,
    isDryRun: request.isDryRun || (dryRun ?? []).length > 0,
    uid: preconditions?.uid ?? undefined,
    resourceVersion: preconditions?.resourceVersion ?? undefined,
    propagationPolicy: policyOf(rest, query),
  };
}

function policyOf(
  { propagationPolicy, orphanDependents }: Partial<z.infer<typeof deleteOptions>>,
  query: URLSearchParams,
): DeleteRequest["propagationPolicy"] {
  if (orphanDependents === true) return "Orphan";
  return checkedPolicy(query.get("propagationPolicy") ?? propagationPolicy ?? undefined);
}

function checkedPolicy(policy: string | undefined): DeleteRequest["propagationPolicy"] {
  if (policy === undefined || policy === "Background") return policy;
  if (policy === "Foreground" || policy === "Orphan") return policy;
  throw new GatewayError("bad_request", `Cannot use propagationPolicy "${policy}"`);
}

/** Who writes, as API servers name it where the client does not: by its program. */
export function fieldManagerOf(exchange: Exchange, query: URLSearchParams): string {
  const named = query.get("fieldManager") ?? "";
  if (named !== "") return named;
  const [program = ""] = (headerValue(exchange.headers, "user-agent") ?? "").split("/");
  return program === "" ? "unknown" : program;
}
