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
        healthy: { type: "boolean", default: false, description: "Verdict of the last probe." },
        healthyReason: { type: "string", description: "Why it is not healthy." },
        conditions: {
          type: "array",
          items: refTo(`${meta}.Condition`),
          description: "Only of a cluster that cannot be used: what is wrong with its Secret.",
        },
      },
    },
    ...accessSchemas(refTo),
  };
}

function accessSchemas(refTo: (name: string) => Schema): Readonly<Record<string, Schema>> {
  return {
    [`${prefix}.ClusterGatewaySpec`]: {
      type: "object",
      required: ["access"],
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
    ...endpointSchemas(refTo),
    ...credentialSchemas(refTo),
  };
}

function endpointSchemas(refTo: (name: string) => Schema): Readonly<Record<string, Schema>> {
  return {
    [`${prefix}.ClusterEndpoint`]: {
      type: "object",
      required: ["type"],
      properties: {
        type: {
          ...string,
          enum: ["Const", "ClusterProxy"],
          description: "Directly, or through the tunnel.",
        },
        const: refTo(`${prefix}.ClusterEndpointConst`),
        clusterProxy: refTo(`${prefix}.ClusterEndpointClusterProxy`),
      },
    },
    [`${prefix}.ClusterEndpointClusterProxy`]: {
      type: "object",
      description: "Settings of type ClusterProxy. Only written: no answer shows them.",
      properties: {
        caBundle: {
          type: "string",
          format: "byte",
          description: "PEM of the CA of the managed API server; what is there stays without it.",
        },
      },
    },
    [`${prefix}.ClusterEndpointConst`]: {
      type: "object",
      required: ["address"],
      properties: {
        address: { ...string, description: "URL of the managed API server." },
        caBundle: {
          type: "string",
          format: "byte",
          description: "PEM of the CA of the managed API server; the system's CAs without it.",
        },
        insecure: { type: "boolean", description: "Does not verify the managed API server." },
        "proxy-url": {
          type: "string",
          description: "Forward proxy in between: an http, https or socks5 URL.",
        },
      },
    },
  };
}

function credentialSchemas(refTo: (name: string) => Schema): Readonly<Record<string, Schema>> {
  return {
    [`${prefix}.ClusterAccessCredential`]: {
      type: "object",
      description:
        "How the gateway proves who it is. Tokens and keys are only written: no answer shows them.",
      required: ["type"],
      properties: {
        type: { ...string, enum: ["ServiceAccountToken", "X509Certificate", "Dynamic"] },
        serviceAccountToken: {
          type: "string",
          description: "Bearer token; what is there stays without it.",
        },
        x509: refTo(`${prefix}.X509`),
      },
    },
    [`${prefix}.X509`]: {
      type: "object",
      required: ["certificate", "privateKey"],
      properties: {
        certificate: { type: "string", format: "byte", description: "PEM." },
        privateKey: { type: "string", format: "byte", description: "PEM." },
      },
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
      generateName: { type: "string" },
      uid: { type: "string" },
      resourceVersion: { type: "string" },
      creationTimestamp: { type: "string", format: "date-time" },
      deletionTimestamp: { type: "string", format: "date-time" },
      labels: { type: "object", additionalProperties: { type: "string" } },
      annotations: { type: "object", additionalProperties: { type: "string" } },
    },
  },
  [`${meta}.Condition`]: {
    type: "object",
    required: ["type", "status", "lastTransitionTime", "reason", "message"],
    properties: {
      type: { type: "string" },
      status: { type: "string" },
      reason: { type: "string" },
      message: { type: "string" },
      observedGeneration: { type: "integer", format: "int64" },
      lastTransitionTime: { type: "string", format: "date-time" },
    },
  },
  [`${meta}.Status`]: {
    type: "object",
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      status: { type: "string" },
      message: { type: "string" },
      reason: { type: "string" },
      code: { type: "integer", format: "int32" },
      details: { type: "object" },
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

/** The name of the definition of one of our kinds, or of `Status`. */
export function definitionOf(kind: string): string {
  return kind === "Status" ? `${meta}.${kind}` : `${prefix}.${kind}`;
}
