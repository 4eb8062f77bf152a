import { createHash } from "node:crypto";
import {
  apiVersionOf,
  clusterGateways,
  clusterGatewayGroup as group,
  clusterGatewayVersion as version,
} from "#api";
import { type Operation, operationsOf } from "./operations.ts";
import { definitionOf, schemas } from "./schemas.ts";

type Json = Readonly<Record<string, unknown>>;

const root = `/apis/${apiVersionOf(clusterGateways)}`;
const info = { title: "Cluster Gateway", version: "1.0.0" };

/** `/openapi/v2`. */
export function openapiV2(isWritable: boolean): Json {
  const typed = (type: string) => ({ type, uniqueItems: true });
  return {
    swagger: "2.0",
    info,
    paths: pathsOf(
      operationsOf(isWritable),
      (op) => ({
        ...common(op),
        consumes: op.bodyTypes ?? ["*/*"],
        produces: [op.action === "connect" ? "*/*" : "application/json"],
        parameters: [
          ...(op.body === undefined
            ? []
            : [{ name: "body", in: "body", required: true, schema: bodyV2(op.body) }]),
          ...queryOf(op, typed),
        ],
        responses: responses({ schema: op.action === "connect" ? text : refV2(answerOf(op)) }),
      }),
      typed("string"),
    ),
    definitions: schemas("#/definitions/"),
  };
}

/** `/openapi/v3/apis/<group>/<version>`. */
export function openapiV3(isWritable: boolean): Json {
  const typed = (type: string) => ({ schema: { type } });
  return {
    openapi: "3.0.0",
    info,
    paths: pathsOf(
      operationsOf(isWritable),
      (op) => ({
        ...common(op),
        parameters: queryOf(op, typed),
        ...(op.body === undefined
          ? {}
          : { requestBody: { required: true, content: bodyV3(op, op.body) } }),
        responses: responses({
          content:
            op.action === "connect" ? { "*/*": { schema: text } } : jsonOf(refV3(answerOf(op))),
        }),
      }),
      typed("string"),
    ),
    components: { schemas: schemas("#/components/schemas/") },
  };
}

/** `/openapi/v3`: where the documents are. The hash lets clients keep them. */
export function openapiV3Index(isWritable: boolean): Json {
  const document = JSON.stringify(openapiV3(isWritable));
  const hash = createHash("sha256").update(document).digest("hex").slice(0, 32);
  return {
    paths: { [root.slice(1)]: { serverRelativeURL: `/openapi/v3${root}?hash=${hash}` } },
  };
}

const text = { type: "string" };

function common({ id, action, kind }: Operation): Json {
  return {
    operationId: `${id}Core${version}`,
    tags: ["cluster_core_oam_dev_v1alpha1"],
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

function bodyV2(kind: string): Json {
  return kind === "Patch" ? { type: "object" } : refV2(kind);
}

function bodyV3({ bodyTypes = [] }: Operation, kind: string): Json {
  const schema = kind === "Patch" ? { type: "object" } : refV3(kind);
  return Object.fromEntries(bodyTypes.map((type) => [type, { schema }]));
}

function refV2(kind: string): Json {
  return { $ref: `#/definitions/${definitionOf(kind)}` };
}

function refV3(kind: string): Json {
  return { $ref: `#/components/schemas/${definitionOf(kind)}` };
}

function jsonOf(schema: Json): Json {
  return { "application/json": { schema } };
}

function pathsOf(
  operations: readonly Operation[],
  write: (op: Operation) => Json,
  parameterType: Json,
): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const op of operations) {
    const at = (paths[op.path] ??= { parameters: pathParameters(op.path, parameterType) });
    at[op.method] = write(op);
  }
  return paths;
}

function pathParameters(path: string, parameterType: Json): readonly Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) =>
    Object.assign({ name, in: "path", required: true }, parameterType),
  );
}
