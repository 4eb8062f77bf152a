import { createHash } from "node:crypto";
import {
  apiVersionOf,
  clusterGateways,
  clusterGatewayGroup as group,
  clusterGatewayVersion as version,
} from "#api";
import { definitionOf, schemas } from "./schemas.ts";

type Json = Readonly<Record<string, unknown>>;

const root = `/apis/${apiVersionOf(clusterGateways)}`;
const info = { title: "Cluster Gateway", version: "1.0.0" };

/** One operation of the API, before it is written for a version of OpenAPI. */
interface Operation {
  readonly path: string;
  readonly method: "get" | "put" | "post" | "patch" | "delete" | "head" | "options";
  readonly id: string;
  readonly action: "list" | "get" | "put" | "connect";
  readonly kind: string;
  readonly body?: string;
}

const objectOperations: readonly Operation[] = [
  operation("clustergateways", "get", "list", "ClusterGateway", "listClusterGateway"),
  operation("clustergateways/{name}", "get", "get", "ClusterGateway", "readClusterGateway"),
  operation("clustergateways/{name}/health", "get", "get", "ClusterGateway", "readHealth"),
  {
    ...operation("clustergateways/{name}/health", "put", "put", "ClusterGateway", "replaceHealth"),
    body: "ClusterGateway",
  },
  operation("virtualclusters", "get", "list", "VirtualCluster", "listVirtualCluster"),
  operation("virtualclusters/{name}", "get", "get", "VirtualCluster", "readVirtualCluster"),
];

const connectMethods = ["get", "put", "post", "patch", "delete", "head", "options"] as const;

const operations: readonly Operation[] = [
  ...objectOperations,
  ...["clustergateways/{name}/proxy", "clustergateways/{name}/proxy/{path}"].flatMap((path) =>
    connectMethods.map((method) =>
      operation(path, method, "connect", "ClusterGatewayProxyOptions", connectId(path, method)),
    ),
  ),
];

function operation(
  path: string,
  method: Operation["method"],
  action: Operation["action"],
  kind: string,
  id: string,
): Operation {
  return { path: `${root}/${path}`, method, action, kind, id };
}

function connectId(path: string, method: string): string {
  const suffix = path.endsWith("{path}") ? "WithPath" : "";
  return `connect${method[0]?.toUpperCase() ?? ""}${method.slice(1)}Proxy${suffix}`;
}

/** `/openapi/v2`. */
export function openapiV2(): Json {
  return {
    swagger: "2.0",
    info,
    paths: pathsOf(
      (op) => ({
        ...common(op),
        consumes: ["*/*"],
        produces: [op.action === "connect" ? "*/*" : "application/json"],
        ...(op.body === undefined
          ? {}
          : { parameters: [{ name: "body", in: "body", required: true, schema: refV2(op.body) }] }),
        responses: {
          "200": {
            description: "OK",
            schema: op.action === "connect" ? text : refV2(answerOf(op)),
          },
          "401": { description: "Unauthorized" },
        },
      }),
      { type: "string", uniqueItems: true },
    ),
    definitions: schemas("#/definitions/"),
  };
}

/** `/openapi/v3/apis/<group>/<version>`. */
export function openapiV3(): Json {
  return {
    openapi: "3.0.0",
    info,
    paths: pathsOf(
      (op) => ({
        ...common(op),
        ...(op.body === undefined
          ? {}
          : { requestBody: { required: true, content: jsonOf(refV3(op.body)) } }),
        responses: {
          "200": {
            description: "OK",
            content:
              op.action === "connect" ? { "*/*": { schema: text } } : jsonOf(refV3(answerOf(op))),
          },
          "401": { description: "Unauthorized" },
        },
      }),
      { schema: { type: "string" } },
    ),
    components: { schemas: schemas("#/components/schemas/") },
  };
}

/** `/openapi/v3`: where the documents are. The hash lets clients keep them. */
export function openapiV3Index(): Json {
  const hash = createHash("sha256").update(JSON.stringify(openapiV3())).digest("hex").slice(0, 32);
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

function answerOf({ action, kind }: Operation): string {
  return action === "list" ? `${kind}List` : kind;
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

function pathsOf(write: (op: Operation) => Json, parameterType: Json): Json {
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
