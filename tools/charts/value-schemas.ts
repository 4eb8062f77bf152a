import * as z from "zod";
import {
  auditPolicy,
  clusterGatewayGroups,
  identityPolicy,
  oidcIssuer,
  permissionPolicy,
  traceExport,
} from "#api";

const text = z.string();
const name = z.string().min(1);
const copies = z.int().min(0);
const port = z.int().min(1).max(65_535);
const names = z.array(name);
const labels = z.record(z.string(), z.string());

/**
 * What every chart takes. Only these may be absent, which is what `--set tag=null` makes of a
 * value: `tag` is then the chart's own version. A parent chart may pass `global`.
 */
const common = {
  replicas: copies,
  resources: z.looseObject({}).optional(),
  nodeSelector: labels.optional(),
  tolerations: z.array(z.looseObject({})).optional(),
  tag: z.string().nullish(),
  global: z.looseObject({}).optional(),
};

/** What each chart takes as values, by the chart's folder. Defaults are in its values.yaml. */
export const valueSchemas = {
  "cluster-proxy": z.strictObject({
    ...common,
    registry: name,
    image: name,
    spokeAddonNamespace: name,
    proxyServerImage: name,
    proxyAgentImage: name,
    proxyServer: z.strictObject({
      entrypointLoadBalancer: z.boolean(),
      entrypointAddress: text,
      port,
      imagePullPolicy: z.enum(["Always", "IfNotPresent", "Never"]),
    }),
    signer: z.strictObject({
      type: z.enum(["SelfSigned", "Provided", "CertManager"]),
      additionalSANs: names,
      provided: z.strictObject({
        agentAuthoritySecretName: text,
        frontendAuthoritySecretName: text,
      }),
      certManager: z.strictObject({
        issuerRef: z.strictObject({ name: text, kind: name, group: name }),
        duration: name.optional(),
        renewBefore: name.optional(),
      }),
    }),
    secretNames: z.strictObject({ proxyServer: name, proxyClient: name, agentServer: name }),
    additionalSecretNames: names,
    installByPlacement: z.strictObject({ placementName: text, placementNamespace: text }),
    enableKubeApiProxy: z.boolean(),
    acceptSharedAgentIdentity: z.boolean(),
    enableServiceProxy: z.boolean(),
    enableImpersonation: z.boolean(),
    featureGates: z.strictObject({ clusterProfile: z.boolean() }),
    userServer: z.strictObject({
      enabled: z.boolean(),
      additionalSANs: names,
      oidc: oidcIssuer.nullish(),
      audit: auditPolicy,
    }),
    exposedServicesConfigMapName: name,
    exposedServices: z.array(
      z.strictObject({
        namespace: name,
        service: name,
        port: z.union([port, name]).optional(),
        protocol: z.enum(["http", "https"]).optional(),
      }),
    ),
    networkPolicies: z.strictObject({ enabled: z.boolean() }),
  }),
  "managed-serviceaccount": z.strictObject({
    ...common,
    image: name,
    agentInstallAll: z.boolean(),
    targetCluster: text,
    agentImagePullSecret: text,
    permissionPolicy: permissionPolicy.nullish(),
    outputs: z.strictObject({
      namespaces: names,
      gateway: z.strictObject({
        enabled: z.boolean(),
        namespace: name,
        address: z.string().regex(/^(https:\/\/\S+)?$/),
      }),
    }),
    prometheus: z.strictObject({
      enabled: z.boolean(),
      serviceMonitor: z.strictObject({ labels }),
    }),
    featureGates: z.strictObject({ ephemeralIdentity: z.boolean(), clusterProfile: z.boolean() }),
    clusterProfileNamespaces: z.array(z.string().regex(/^(\*|[a-z0-9]([-a-z0-9]*[a-z0-9])?)$/)),
    hubDeployMode: z.enum(["Deployment", "AddOnTemplate"]),
    addOnTemplateName: text,
  }),
  "cluster-gateway-addon-manager": z.strictObject({
    ...common,
    image: name,
    clusterGateway: z.strictObject({
      image: name,
      replicas: copies,
      workers: z.int().min(0).max(64),
      drainSeconds: z.int().min(0).max(86_400),
      installNamespace: name,
      secretNamespace: name,
      apiGroup: z.enum(clusterGatewayGroups),
      writable: z.boolean(),
      showCredentials: z.boolean(),
      dynamicCredentials: z.strictObject({
        allowedCommands: z.array(z.string().regex(/^\//)),
        allowedVariables: z.array(z.string().min(1)),
      }),
    }),
    manualSecretManagement: z.boolean(),
    konnectivityEgress: z.boolean(),
    clusterProxy: z.strictObject({ namespace: text }),
    identity: identityPolicy,
    audit: auditPolicy,
    tracing: traceExport,
    oidc: oidcIssuer.nullish(),
    authorizePaths: z.boolean(),
  }),
} as const satisfies Readonly<Record<string, z.ZodObject>>;

/** The folders of the charts under `helm/`. */
export const chartNames = Object.keys(valueSchemas) as (keyof typeof valueSchemas)[];

/** The `values.schema.json` of a chart, with which Helm refuses values of the wrong type. */
export function valuesSchemaJson(chart: keyof typeof valueSchemas): string {
  const schema = z.toJSONSchema(valueSchemas[chart], {
    target: "draft-7",
    io: "input",
    reused: "inline",
    override: ({ jsonSchema }) => {
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  });
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}
