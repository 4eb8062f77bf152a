import { createHash } from "node:crypto";
import type { ClusterGatewayLayout } from "#api";
import { type Operation, operationsOf } from "./operations.ts";
import { definitionOf, schemas } from "./schemas.ts";
import type { ServedApi } from "./served-api.ts";

type Json = Readonly<Record<string, unknown>>;

const info = { title: "Cluster Gateway", version: "1.0.0" };

/** `/openapi/v2`. */
export function openapiV2(served: ServedApi): Json {
  const { layout } = served;
  const refTo = (kind: string) => ({ $ref: `#/definitions/${definitionOf(layout, kind)}` });
  const typed = (type: string) => ({ type, uniqueItems: true });
  return {
    swagger: "2.0",
    info,
    paths: pathsOf(
      served,
      (op) => ({
        ...common(op, layout),
        consumes: op.bodyTypes ?? ["*/*"],
        produces: [op.action === "connect" ? "*/*" : "application/json"],
        parameters: [
          ...(op.body === undefined
            ? []
            : [{ name: "body", in: "body", required: true, schema: bodyOf(op.body, refTo) }]),
          ...queryOf(op, typed),
        ],
        responses: responses({ schema: op.action === "connect" ? text : refTo(answerOf(op)) }),
      }),
      typed("string"),
    ),
    definitions: schemas(layout, "#/definitions/"),
  };
}

/** `/openapi/v3/apis/<group>/<version>`. */
export function openapiV3(served: ServedApi): Json {
  const { layout } = served;
  const refTo = (kind: string) => ({ $ref: `#/components/schemas/${definitionOf(layout, kind)}` });
  const typed = (type: string) => ({ schema: { type } });
  return {
    openapi: "3.0.0",
    info,
    paths: pathsOf(
      served,
      (op) => ({
        ...common(op, layout),
        parameters: queryOf(op, typed),
        ...(op.body === undefined
          ? {}
          : { requestBody: { required: true, content: contentOf(op, bodyOf(op.body, refTo)) } }),
        responses: responses({
          content:
            op.action === "connect" ? { "*/*": { schema: text } } : jsonOf(refTo(answerOf(op))),
        }),
      }),
      typed("string"),
    ),
    components: { schemas: schemas(layout, "#/components/schemas/") },
  };
}

/** `/openapi/v3`: where the documents are. The hash lets clients keep them. */
export function openapiV3Index(served: ServedApi): Json {
  const document = JSON.stringify(openapiV3(served));
  const hash = createHash("sha256").update(document).digest("hex").slice(0, 32);
  const root = `/apis/${served.layout.apiVersion}`;
  return {
    paths: { [root.slice(1)]: { serverRelativeURL: `/openapi/v3${root}?hash=${hash}` } },
  };
}

const text = { type: "string" };

function common(
  { id, action, kind }: Operation,
  { group, version, openapi: { operations } }: ClusterGatewayLayout,
): Json {
  return {
    operationId: `${id}${operations}${version}`,
    tags: [`${group}_${version}`.replaceAll(/\W/g, "_")],
    description: `${action} ${kind}`,
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": { group, version, kind },
  };
}

function queryOf({ query = [] }: Operation, typed: (type: string) => Json): readonly Json[] {
  return query.map(({ name, type }) => Object.assign({ name, in: "query" }, typed(type)));
}

function responses(ok: Json): Json {
  return {
    "200": { description: "OK", ...ok },
    "401": { description: "Unauthorized" },
  };
}

function answerOf({ action, kind }: Operation): string {
  if (action === "delete") return "Status";
  return action === "list" || action === "deletecollection" ? `${kind}List` : kind;
}

function bodyOf(kind: string, refTo: (kind: string) => Json): Json {
  return kind === "Patch" ? { type: "object" } : refTo(kind);
}

function contentOf({ bodyTypes = [] }: Operation, schema: Json): Json {
  return Object.fromEntries(bodyTypes.map((type) => [type, { schema }]));
}

function jsonOf(schema: Json): Json {
  return { "application/json": { schema } };
}

function pathsOf(served: ServedApi, write: (op: Operation) => Json, parameterType: Json): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const op of operationsOf(served)) {
    const path = `/apis/${served.layout.apiVersion}/${op.path}`;
    const at = (paths[path] ??= { parameters: pathParameters(path, parameterType) });
    at[op.method] = write(op);
  }
  return paths;
}

function pathParameters(path: string, parameterType: Json): readonly Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) =>
    Object.assign({ name, in: "path", required: true }, parameterType),
  );
}
