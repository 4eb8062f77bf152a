import * as z from "zod";
import { clusterGatewayGroups, defaultClusterGatewayLayout } from "./cluster-gateway-layout.ts";
import { conditionList, int32, int64, objectShape } from "./custom-resource.ts";
import { identityPolicy, oidcIssuer } from "./identity.ts";
import type { ResourceType } from "./resource.ts";

/** How the gateway is run on the hub, and how it reaches the managed clusters. */
export const clusterGatewayConfigurations = {
  group: "proxy.open-cluster-management.io",
  version: "v1alpha1",
  plural: "clustergatewayconfigurations",
  kind: "ClusterGatewayConfiguration",
  namespaced: false,
  parse: (input) => clusterGatewayConfiguration.parse(input),
} as const satisfies ResourceType<ClusterGatewayConfiguration>;

/** The object that the chart makes and that the addon uses unless told otherwise. */
export const defaultClusterGatewayConfigurationName = "cluster-gateway";

/** Condition types of a ClusterGatewayConfiguration. */
export const clusterGatewayConditionTypes = {
  /** The gateway runs and its API is registered on the hub. */
  deployed: "ClusterGatewayDeployed",
  /** Every identity rule can be followed; whoever a wrong one may mean is refused. */
  identityValid: "IdentityRulesValid",
} as const;

const clusterProxy = z
  .object({
    proxyServerHost: z.string().describe("Host of the tunnel server, as the hub resolves it."),
    proxyServerPort: int32().min(1).max(65_535).describe("Port of the tunnel server for clients."),
    credentials: z
      .object({
        namespace: z.string().describe("Namespace of both Secrets."),
        proxyClientSecretName: z
          .string()
          .describe("Secret with tls.crt and tls.key, shown to the tunnel server."),
        proxyClientCASecretName: z
          .string()
          .describe("Secret with ca.crt, which the tunnel server's certificate must chain to."),
      })
      .describe("How the gateway authenticates to the tunnel server."),
  })
  .describe("Settings of type ClusterProxy.");

const egress = z
  .object({
    type: z
      .enum(["Direct", "ClusterProxy"])
      .describe("Direct dials the clusters' own addresses; ClusterProxy goes through the tunnel."),
    clusterProxy: clusterProxy.optional(),
  })
  .describe("How the gateway reaches the managed clusters.")
  .meta({
    "x-kubernetes-validations": [
      {
        rule: "self.type != 'ClusterProxy' || has(self.clusterProxy)",
        message: "clusterProxy is needed when type is ClusterProxy",
      },
    ],
  });

const secretManagement = z
  .object({
    type: z
      .enum(["Manual", "ManagedServiceAccount"])
      .default("ManagedServiceAccount")
      .describe("Whether an administrator or the managed-serviceaccount addon supplies tokens."),
    managedServiceAccount: z
      .object({
        name: z
          .string()
          .default("cluster-gateway")
          .describe("Name of the ManagedServiceAccount in each cluster's namespace."),
      })
      .prefault({})
      .describe("Settings of type ManagedServiceAccount."),
  })
  .describe("Where the credentials for the managed clusters come from.");

const clusterGatewayAccess = z
  .object({
    writable: z
      .boolean()
      .default(true)
      .describe(
        "Whether ClusterGateways can be created, changed and deleted through the API, by whom the hub's RBAC lets.",
      ),
    showCredentials: z
      .boolean()
      .default(false)
      .describe("Shows tokens and keys to all who may read ClusterGateways, as upstream does."),
  })
  .prefault({})
  .describe("ClusterGateways as objects of the hub.");

const dynamicCredentials = z
  .object({
    allowedCommands: z
      .array(z.string().regex(/^\//))
      .default([])
      .describe("Absolute paths of programs in the gateway's image that a Secret may run."),
    allowedVariables: z
      .array(z.string())
      .default([])
      .describe("Environment variables that a Secret may set for them."),
  })
  .prefault({})
  .describe("What Secrets of credential type Dynamic may ask for: nothing, unless listed.");

/** Where the gateway records requests to managed clusters. */
export const auditPolicy = z.object({
  log: z
    .enum(["None", "Stdout"])
    .default("None")
    .describe("Stdout writes an event of audit.k8s.io/v1 a line, among the gateway's own lines."),
  policy: z
    .string()
    .default("")
    .describe("An audit.k8s.io/v1 Policy, YAML, of what is recorded; everything when empty."),
});

/** Where the gateway sends traces of requests to managed clusters. */
export const traceExport = z.object({
  endpoint: z
    .string()
    .regex(/^(https?:\/\/\S+)?$/)
    .default("")
    .describe(
      "Base URL of a collector that takes OTLP over HTTP, such as http://collector:4318. Nothing is traced when empty.",
    ),
  samplingRatePerMillion: int32()
    .min(0)
    .max(1_000_000)
    .default(1_000_000)
    .describe("Of the traces that begin at the gateway, how many are recorded."),
});

/** What is wanted of the gateway, with all defaults filled in. */
export const clusterGatewayConfigurationSpec = z.object({
  image: z.string().describe("Image of the gateway."),
  replicas: int32().min(0).default(1).describe("Gateways on the hub."),
  workers: int32()
    .min(0)
    .max(64)
    .default(0)
    .describe(
      "Processes of each gateway, each with caches and connections of its own. 0 is one for each core of the container's CPU limit, and one without a limit.",
    ),
  drainSeconds: int32()
    .min(0)
    .max(86_400)
    .default(300)
    .describe(
      "How long followed logs, exec and the like may go on once a gateway is asked to end, in seconds. It ends sooner when none is left; the drain of its node waits for it.",
    ),
  apiGroup: z
    .enum(clusterGatewayGroups)
    .default(defaultClusterGatewayLayout.group)
    .describe(
      "Group that ClusterGateways are served in. cluster.core.oam.dev keeps them in Secrets of one namespace; gateway.open-cluster-management.io in the addon and its Secret in each cluster's namespace, where they can only be read.",
    ),
  secretNamespace: z.string().describe("Namespace of the Secrets with cluster credentials."),
  installNamespace: z.string().describe("Namespace of the gateway."),
  secretManagement,
  egress,
  clusterGateways: clusterGatewayAccess,
  dynamicCredentials,
  identity: identityPolicy.prefault({}).describe("As whom callers act on managed clusters."),
  audit: auditPolicy.prefault({}).describe("The record of requests to managed clusters."),
  tracing: traceExport.prefault({}).describe("Traces of requests to managed clusters."),
  oidc: oidcIssuer
    .optional()
    .describe("An issuer whose tokens are accepted at the gateway's own port, beside the hub's."),
  authorizePaths: z
    .boolean()
    .default(false)
    .describe("Whether callers must be allowed on the hub what they do on managed clusters."),
});
export type ClusterGatewayConfigurationSpec = z.infer<typeof clusterGatewayConfigurationSpec>;

export const clusterGatewayConfigurationStatus = z.object({
  lastObservedGeneration: int64().optional().describe("Generation that was last acted on."),
  conditions: conditionList.default([]).describe("How far it is."),
});

/** A ClusterGatewayConfiguration as the API server returns it; the spec has its defaults. */
export const clusterGatewayConfiguration = z.looseObject({
  ...objectShape,
  spec: clusterGatewayConfigurationSpec,
  status: clusterGatewayConfigurationStatus.prefault({}),
});
export type ClusterGatewayConfiguration = z.infer<typeof clusterGatewayConfiguration>;
