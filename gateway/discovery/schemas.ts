import { clusterGatewayGroup as group, clusterGatewayVersion as version } from "#api";

/** Prefix of our definitions, the same as upstream's, for clients that were generated from it. */
const prefix = "com.github.oam-dev.cluster-gateway.pkg.apis.cluster.v1alpha1";
const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";

type Schema = Readonly<Record<string, unknown>>;

const string = { type: "string", default: "" };

/** The schemas of all kinds, with references below `base`: the same for both OpenAPI versions. */
export function schemas(base: string): Readonly<Record<string, Schema>> {
  const refTo = (name: string): Schema => ({ $ref: `${base}${name}` });
  const ownKinds = {
    ...clusterGatewaySchemas(refTo),
    ...virtualClusterSchemas(refTo),
    [`${prefix}.ClusterGatewayProxyOptions`]: {
      type: "object",
      properties: {
        ...typeMeta,
        impersonate: { type: "boolean", description: "Act as the caller on the managed cluster." },
        path: { type: "string", description: "Path on the managed cluster." },
      },
      ...gvk("ClusterGatewayProxyOptions"),
    },
  };
  return { ...ownKinds, ...metaSchemas };
}

const typeMeta = { apiVersion: { type: "string" }, kind: { type: "string" } };

function gvk(kind: string): Schema {
  return { "x-kubernetes-group-version-kind": [{ group, version, kind }] };
}

function object(
  refTo: (name: string) => Schema,
  kind: string,
  properties: Readonly<Record<string, Schema>>,
): Schema {
  return {
    type: "object",
    properties: { ...typeMeta, metadata: refTo(`${meta}.ObjectMeta`), ...properties },
    ...gvk(kind),
  };
}

function list(refTo: (name: string) => Schema, kind: string): Schema {
  return {
    type: "object",
    required: ["items"],
    properties: {
      ...typeMeta,
      metadata: refTo(`${meta}.ListMeta`),
      items: { type: "array", items: refTo(`${prefix}.${kind}`) },
    },
    ...gvk(`${kind}List`),
  };
}

function clusterGatewaySchemas(refTo: (name: string) => Schema): Readonly<Record<string, Schema>> {
  return {
    [`${prefix}.ClusterGateway`]: object(refTo, "ClusterGateway", {
      spec: refTo(`${prefix}.ClusterGatewaySpec`),
      status: refTo(`${prefix}.ClusterGatewayStatus`),
    }),
    [`${prefix}.ClusterGatewayList`]: list(refTo, "ClusterGateway"),
    [`${prefix}.ClusterGatewayStatus`]: {
      type: "object",
      required: ["healthy"],
      properties: {
        healthy: { type: "boolean", default: false },
        healthyReason: { type: "string" },
      },
    },
    ...accessSchemas(refTo),
  };
}

function accessSchemas(refTo: (name: string) => Schema): Readonly<Record<string, Schema>> {
  return {
    [`${prefix}.ClusterGatewaySpec`]: {
      type: "object",
      required: ["provider", "access"],
      properties: { provider: string, access: refTo(`${prefix}.ClusterAccess`) },
    },
    [`${prefix}.ClusterAccess`]: {
      type: "object",
      required: ["endpoint"],
      properties: {
        endpoint: refTo(`${prefix}.ClusterEndpoint`),
        credential: refTo(`${prefix}.ClusterAccessCredential`),
      },
    },
    [`${prefix}.ClusterEndpoint`]: {
      type: "object",
      required: ["type"],
      properties: { type: string, const: refTo(`${prefix}.ClusterEndpointConst`) },
    },
    [`${prefix}.ClusterEndpointConst`]: {
      type: "object",
      required: ["address"],
      properties: {
        address: string,
        caBundle: { type: "string", format: "byte" },
        insecure: { type: "boolean" },
        "proxy-url": { type: "string" },
      },
    },
    [`${prefix}.ClusterAccessCredential`]: {
      type: "object",
      description: "How the gateway proves who it is. The credential itself is never shown.",
      required: ["type"],
      properties: { type: string },
    },
  };
}

function virtualClusterSchemas(refTo: (name: string) => Schema): Readonly<Record<string, Schema>> {
  return {
    [`${prefix}.VirtualCluster`]: object(refTo, "VirtualCluster", {
      spec: refTo(`${prefix}.VirtualClusterSpec`),
    }),
    [`${prefix}.VirtualClusterList`]: list(refTo, "VirtualCluster"),
    [`${prefix}.VirtualClusterSpec`]: {
      type: "object",
      properties: {
        alias: { type: "string" },
        accepted: { type: "boolean" },
        endpoint: { type: "string" },
        "credential-type": { type: "string" },
      },
    },
  };
}

/** As much of Kubernetes' own types as we send. */
const metaSchemas: Readonly<Record<string, Schema>> = {
  [`${meta}.ObjectMeta`]: {
    type: "object",
    properties: {
      name: { type: "string" },
      resourceVersion: { type: "string" },
      creationTimestamp: { type: "string", format: "date-time" },
      labels: { type: "object", additionalProperties: { type: "string" } },
      annotations: { type: "object", additionalProperties: { type: "string" } },
    },
  },
  [`${meta}.ListMeta`]: {
    type: "object",
    properties: {
      continue: { type: "string" },
      remainingItemCount: { type: "integer", format: "int64" },
      resourceVersion: { type: "string" },
      selfLink: { type: "string" },
    },
  },
};

/** The name of the definition of one of our kinds. */
export function definitionOf(kind: string): string {
  return `${prefix}.${kind}`;
}
