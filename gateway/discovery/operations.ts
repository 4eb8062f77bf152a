import { clusterGateways, virtualClusters } from "#api";
import type { ServedApi } from "./served-api.ts";

/** One operation of the API, before it is written for a version of OpenAPI. */
export interface Operation {
  /** Below that of the group and version. */
  readonly path: string;
  readonly method: "get" | "put" | "post" | "patch" | "delete" | "head" | "options";
  readonly id: string;
  readonly action:
    | "list"
    | "get"
    | "post"
    | "put"
    | "patch"
    | "delete"
    | "deletecollection"
    | "connect";
  readonly kind: string;
  /** Kind of the body, `Patch` for one of a patch. */
  readonly body?: string;
  readonly bodyTypes?: readonly string[];
  readonly query?: readonly QueryParameter[];
}

interface QueryParameter {
  readonly name: string;
  readonly type: "string" | "integer" | "boolean";
}

const objectTypes = ["application/json", "application/yaml"];
const patchTypes = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/apply-patch+yaml",
];

const named = (type: QueryParameter["type"], ...names: readonly string[]) =>
  names.map((name) => ({ name, type }));
const listQuery = [
  ...named("string", "labelSelector", "fieldSelector", "resourceVersion", "resourceVersionMatch"),
  ...named("string", "continue"),
  ...named("integer", "limit", "timeoutSeconds"),
  ...named("boolean", "watch", "allowWatchBookmarks", "sendInitialEvents"),
];
const writeQuery = named("string", "dryRun", "fieldManager", "fieldValidation");
const patchQuery = [...writeQuery, ...named("boolean", "force")];
const deleteQuery = [
  ...named("string", "dryRun", "propagationPolicy"),
  ...named("integer", "gracePeriodSeconds"),
];

const collection = "clustergateways";
const object = "clustergateways/{name}";
const health = "clustergateways/{name}/health";

/** All operations that are served. */
export function operationsOf({ layout, isWritable }: ServedApi): readonly Operation[] {
  return [
    ...readOperations,
    ...(layout.virtualClusters === undefined ? [] : virtualOperations),
    ...(isWritable ? writeOperations : []),
    ...connectOperations,
  ];
}

const readOperations: readonly Operation[] = [
  gatewayOperation(collection, "get", "list", "listClusterGateway", { query: listQuery }),
  gatewayOperation(object, "get", "get", "readClusterGateway"),
  gatewayOperation(health, "get", "get", "readHealth"),
  gatewayOperation(health, "put", "put", "replaceHealth", {
    body: clusterGateways.kind,
    bodyTypes: objectTypes,
    query: writeQuery,
  }),
  gatewayOperation(health, "patch", "patch", "patchHealth", {
    body: "Patch",
    bodyTypes: patchTypes,
    query: patchQuery,
  }),
];

const virtualOperations: readonly Operation[] = [
  operation("virtualclusters", "get", "list", virtualClusters.kind, "listVirtualCluster"),
  operation("virtualclusters/{name}", "get", "get", virtualClusters.kind, "readVirtualCluster"),
];

const writeOperations: readonly Operation[] = [
  gatewayOperation(collection, "post", "post", "createClusterGateway", {
    body: clusterGateways.kind,
    bodyTypes: objectTypes,
    query: writeQuery,
  }),
  gatewayOperation(collection, "delete", "deletecollection", "deleteCollectionClusterGateway", {
    query: [...listQuery.filter(({ name }) => name !== "watch"), ...deleteQuery],
  }),
  gatewayOperation(object, "put", "put", "replaceClusterGateway", {
    body: clusterGateways.kind,
    bodyTypes: objectTypes,
    query: writeQuery,
  }),
  gatewayOperation(object, "patch", "patch", "patchClusterGateway", {
    body: "Patch",
    bodyTypes: patchTypes,
    query: patchQuery,
  }),
  gatewayOperation(object, "delete", "delete", "deleteClusterGateway", { query: deleteQuery }),
];

const connectMethods = ["get", "put", "post", "patch", "delete", "head", "options"] as const;

const connectOperations: readonly Operation[] = [
  "clustergateways/{name}/proxy",
  "clustergateways/{name}/proxy/{path}",
].flatMap((path) =>
  connectMethods.map((method) =>
    operation(path, method, "connect", "ClusterGatewayProxyOptions", connectId(path, method)),
  ),
);

function gatewayOperation(
  path: string,
  method: Operation["method"],
  action: Operation["action"],
  id: string,
  rest: Pick<Operation, "body" | "bodyTypes" | "query"> = {},
): Operation {
  return { ...operation(path, method, action, clusterGateways.kind, id), ...rest };
}

function operation(
  path: string,
  method: Operation["method"],
  action: Operation["action"],
  kind: string,
  id: string,
): Operation {
  return { path, method, action, kind, id };
}

function connectId(path: string, method: string): string {
  const suffix = path.endsWith("{path}") ? "WithPath" : "";
  return `connect${method[0]?.toUpperCase() ?? ""}${method.slice(1)}Proxy${suffix}`;
}
