import * as z from "zod";
import {
  clusterGatewayConditionTypes,
  clusterGatewayConfigurationSpec,
  clusterGatewayConfigurationStatus,
  clusterGatewayConfigurations,
  managedProxyConfigurationSpec,
  managedProxyConfigurationStatus,
  managedProxyConfigurations,
  managedServiceAccountConditionTypes,
  managedServiceAccountSetSpec,
  managedServiceAccountSetStatus,
  managedServiceAccountSets,
  managedServiceAccountSpec,
  managedServiceAccountStatus,
  managedServiceAccounts,
  managedServiceAccountsV1alpha1,
  proxyConditionTypes,
  type ResourceType,
} from "#api";

/** One column of `kubectl get`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: "string" | "integer" | "date";
  readonly jsonPath: string;
  readonly description?: string;
  /** Above 0: shown with `-o wide` only. */
  readonly priority?: number;
}

/** One version of a kind that we define. */
export interface VersionDefinition {
  readonly resource: Pick<ResourceType<never>, "version">;
  /** Set when the API server is to warn whoever uses this version. */
  readonly deprecationWarning?: string;
}

/** Everything that the CustomResourceDefinition of one kind is made from. */
export interface KindDefinition {
  readonly resource: Omit<ResourceType<never>, "parse">;
  readonly description: string;
  /** Folder of the chart that carries it. */
  readonly chart: string;
  /** The first is the stored one. */
  readonly versions: readonly VersionDefinition[];
  readonly schema: z.ZodObject;
  readonly columns: readonly PrinterColumn[];
}

const age: PrinterColumn = { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" };

function conditionColumn(name: string, type: string, description: string): PrinterColumn {
  const jsonPath = `.status.conditions[?(@.type=="${type}")].status`;
  return { name, type: "string", jsonPath, description };
}

/** Our kinds. */
export const kindDefinitions: readonly KindDefinition[] = [
  {
    resource: managedProxyConfigurations,
    description: "Says how the cluster-proxy addon runs its tunnel between hub and clusters.",
    chart: "cluster-proxy",
    versions: [{ resource: managedProxyConfigurations }],
    schema: z.object({
      spec: managedProxyConfigurationSpec.describe("What is wanted.").optional(),
      status: managedProxyConfigurationStatus.describe("What is.").optional(),
    }),
    columns: [
      conditionColumn("Ready", proxyConditionTypes.deployed, "Whether the tunnel server runs."),
      {
        name: "Entrypoint",
        type: "string",
        jsonPath: ".spec.proxyServer.entrypoint.type",
        description: "How agents reach the tunnel server.",
      },
      {
        name: "Signer",
        type: "string",
        jsonPath: ".spec.authentication.signer.type",
        description: "Where the certificate authorities come from.",
      },
      age,
      {
        name: "Why",
        type: "string",
        jsonPath: `.status.conditions[?(@.type=="${proxyConditionTypes.deployed}")].message`,
        description: "Why the tunnel server is ready, or is not.",
        priority: 1,
      },
    ],
  },
  {
    resource: managedServiceAccounts,
    description:
      "Asks for a ServiceAccount on the managed cluster whose namespace this is in. Its token is kept, and renewed, in a Secret of the same name and namespace.",
    chart: "managed-serviceaccount",
    versions: [
      { resource: managedServiceAccounts },
      {
        resource: managedServiceAccountsV1alpha1,
        deprecationWarning:
          "authentication.open-cluster-management.io/v1alpha1 ManagedServiceAccount is deprecated; use v1beta1, which has the same fields",
      },
    ],
    schema: z.object({
      spec: managedServiceAccountSpec.describe("What is wanted.").optional(),
      status: managedServiceAccountStatus.describe("What is.").optional(),
    }),
    columns: [
      conditionColumn(
        "Ready",
        managedServiceAccountConditionTypes.tokenReported,
        "Whether the Secret holds a valid token.",
      ),
      {
        name: "Expires",
        type: "string",
        jsonPath: ".status.expirationTimestamp",
        description: "When the token expires.",
      },
      {
        name: "Last-Refresh",
        type: "date",
        jsonPath: ".status.tokenSecretRef.lastRefreshTimestamp",
        description: "Since when the token is used.",
      },
      age,
    ],
  },
  {
    resource: managedServiceAccountSets,
    description:
      "Asks for a ManagedServiceAccount for every cluster that a Placement of this namespace selects.",
    chart: "managed-serviceaccount",
    versions: [{ resource: managedServiceAccountSets }],
    schema: z.object({
      spec: managedServiceAccountSetSpec.describe("What is wanted."),
      status: managedServiceAccountSetStatus.describe("What is.").optional(),
    }),
    columns: [
      {
        name: "Ready",
        type: "string",
        jsonPath: ".status.summary",
        description: "How many of the selected clusters have an account that is ready.",
      },
      {
        name: "Placement",
        type: "string",
        jsonPath: ".spec.placementRef.name",
        description: "What selects the clusters.",
      },
      {
        name: "Why",
        type: "string",
        jsonPath: '.status.conditions[?(@.type=="Ready")].message',
        description: "Which accounts are not ready, and why.",
      },
      age,
    ],
  },
  {
    resource: clusterGatewayConfigurations,
    description: "Says how the cluster-gateway addon runs the gateway to the managed clusters.",
    chart: "cluster-gateway-addon-manager",
    versions: [{ resource: clusterGatewayConfigurations }],
    schema: z.object({
      spec: clusterGatewayConfigurationSpec.describe("What is wanted.").optional(),
      status: clusterGatewayConfigurationStatus.describe("What is.").optional(),
    }),
    columns: [
      conditionColumn("Ready", clusterGatewayConditionTypes.deployed, "Whether the gateway runs."),
      {
        name: "Egress",
        type: "string",
        jsonPath: ".spec.egress.type",
        description: "How clusters are reached.",
      },
      {
        name: "Secrets",
        type: "string",
        jsonPath: ".spec.secretManagement.type",
        description: "Who supplies the credentials.",
      },
      age,
    ],
  },
];
