import type { ClusterGatewayLayout } from "#api";

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";

type Schema = Readonly<Record<string, unknown>>;

const string = { type: "string", default: "" };

/** How the schemas of one layout call each other. */
interface Names {
  /** The name of one of our kinds. */
  of(kind: string): string;
  /** A reference to one of our kinds. */
  to(kind: string): Schema;
  /** A reference to one of Kubernetes' own. */
  toMeta(kind: string): Schema;
  readonly layout: ClusterGatewayLayout;
}

/** The schemas of all kinds, with references below `base`: the same for both OpenAPI versions. */
export function schemas(
  layout: ClusterGatewayLayout,
  base: string,
): Readonly<Record<string, Schema>> {
  const names: Names = {
    layout,
    of: (kind) => definitionOf(layout, kind),
    to: (kind) => ({ $ref: `${base}${definitionOf(layout, kind)}` }),
    toMeta: (kind) => ({ $ref: `${base}${meta}.${kind}` }),
  };
  const ownKinds = {
    ...clusterGatewaySchemas(names),
    ...(layout.virtualClusters === undefined ? {} : virtualClusterSchemas(names)),
    [names.of("ClusterGatewayProxyOptions")]: {
      type: "object",
      properties: {
        ...typeMeta,
        impersonate: { type: "boolean", description: "Act as the caller on the managed cluster." },
        path: { type: "string", description: "Path on the managed cluster." },
      },
      ...gvk(names, "ClusterGatewayProxyOptions"),
    },
  };
  return { ...ownKinds, ...metaSchemas };
}

const typeMeta = { apiVersion: { type: "string" }, kind: { type: "string" } };

function gvk({ layout: { group, version } }: Names, kind: string): Schema {
  return { "x-kubernetes-group-version-kind": [{ group, version, kind }] };
}

function object(names: Names, kind: string, properties: Readonly<Record<string, Schema>>): Schema {
  return {
    type: "object",
    properties: { ...typeMeta, metadata: names.toMeta("ObjectMeta"), ...properties },
    ...gvk(names, kind),
  };
}

function list(names: Names, kind: string): Schema {
  return {
    type: "object",
    required: ["items"],
    properties: {
      ...typeMeta,
      metadata: names.toMeta("ListMeta"),
      items: { type: "array", items: names.to(kind) },
    },
    ...gvk(names, `${kind}List`),
  };
}

function clusterGatewaySchemas(names: Names): Readonly<Record<string, Schema>> {
  return {
    [names.of("ClusterGateway")]: object(names, "ClusterGateway", {
      spec: names.to("ClusterGatewaySpec"),
      status: names.to("ClusterGatewayStatus"),
    }),
    [names.of("ClusterGatewayList")]: list(names, "ClusterGateway"),
    [names.of("ClusterGatewayStatus")]: {
      type: "object",
      required: ["healthy"],
      properties: {
        healthy: { type: "boolean", default: false, description: "Verdict of the last probe." },
        healthyReason: { type: "string", description: "Why it is not healthy." },
        conditions: {
          type: "array",
          items: names.toMeta("Condition"),
          description: "Only of a cluster that cannot be used: what is wrong with its Secret.",
        },
      },
    },
    ...accessSchemas(names),
  };
}

function accessSchemas(names: Names): Readonly<Record<string, Schema>> {
  return {
    [names.of("ClusterGatewaySpec")]: {
      type: "object",
      required: ["access"],
      properties: {
        ...(names.layout.hasProvider
          ? { provider: string }
          : { proxyConfig: { type: "object", description: "Identity rules of this cluster." } }),
        access: names.to("ClusterAccess"),
      },
    },
    [names.of("ClusterAccess")]: {
      type: "object",
      required: ["endpoint"],
      properties: {
        endpoint: names.to("ClusterEndpoint"),
        credential: names.to("ClusterAccessCredential"),
      },
    },
    ...endpointSchemas(names),
    ...credentialSchemas(names),
  };
}

function endpointSchemas(names: Names): Readonly<Record<string, Schema>> {
  return {
    [names.of("ClusterEndpoint")]: {
      type: "object",
      required: ["type"],
      properties: {
        type: {
          ...string,
          enum: ["Const", "ClusterProxy"],
          description: "Directly, or through the tunnel.",
        },
        const: names.to("ClusterEndpointConst"),
        clusterProxy: names.to("ClusterEndpointClusterProxy"),
      },
    },
    [names.of("ClusterEndpointClusterProxy")]: {
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
    [names.of("ClusterEndpointConst")]: {
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

function credentialSchemas(names: Names): Readonly<Record<string, Schema>> {
  return {
    [names.of("ClusterAccessCredential")]: {
      type: "object",
      description:
        "How the gateway proves who it is. Tokens and keys are only written: no answer shows them.",
      required: ["type"],
      properties: {
        type: { ...string, enum: names.layout.credentialTypes },
        serviceAccountToken: {
          type: "string",
          description: "Bearer token; what is there stays without it.",
        },
        x509: names.to("X509"),
      },
    },
    [names.of("X509")]: {
      type: "object",
      required: ["certificate", "privateKey"],
      properties: {
        certificate: { type: "string", format: "byte", description: "PEM." },
        privateKey: { type: "string", format: "byte", description: "PEM." },
      },
    },
  };
}

function virtualClusterSchemas(names: Names): Readonly<Record<string, Schema>> {
  return {
    [names.of("VirtualCluster")]: object(names, "VirtualCluster", {
      spec: names.to("VirtualClusterSpec"),
    }),
    [names.of("VirtualClusterList")]: list(names, "VirtualCluster"),
    [names.of("VirtualClusterSpec")]: {
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
export function definitionOf(
  { openapi: { definitions } }: ClusterGatewayLayout,
  kind: string,
): string {
  return kind === "Status" ? `${meta}.${kind}` : `${definitions}.${kind}`;
}
