import * as z from "zod";
import { dnsLabel, dnsSubdomain, labelValue } from "./custom-resource.ts";

const group = "authentication.open-cluster-management.io";

/** Labels of what is made for an account on the hub, beside its token. */
export const accountOutputLabels = {
  /** What it is: an {@link AccountOutputKind}. */
  output: `${group}/output`,
} as const;

/** Annotations of the same. */
export const accountOutputAnnotations = {
  /** `<namespace>/<name>` of the account that it belongs to. */
  outputOf: `${group}/output-of`,
  /** The server that it leads to. */
  server: `${group}/output-server`,
} as const;

/** What can be made for an account. */
export const accountOutputKinds = {
  kubeconfig: "kubeconfig",
  argocd: "argocd",
  /** Tells the gateway which tokens it may pass on to the account's cluster. */
  gatewayPass: "gateway-pass",
} as const;
export type AccountOutputKind = (typeof accountOutputKinds)[keyof typeof accountOutputKinds];

/** Key of the Secret with a kubeconfig. */
export const kubeconfigSecretKey = "kubeconfig";

/** Argo CD's own names in the Secret that declares a cluster to it. */
export const argocdCluster = {
  typeLabel: "argocd.argoproj.io/secret-type",
  type: "cluster",
} as const;

/** Keys of the ConfigMap with which the gateway learns whose tokens to pass on. */
export const gatewayPassKeys = {
  cluster: "cluster",
  account: "account",
  /** Lines of `<sha256 of a token, hexadecimal> <its expiry, RFC 3339>`. Never a token. */
  tokens: "tokens",
} as const;

/** Reasons of the condition OutputsReady. */
export const accountOutputReasons = {
  written: "OutputsWritten",
  /** The hub has no gateway that clients could go through. */
  gatewayMissing: "GatewayMissing",
  /** The hub's administrator has not opened the gateway for tokens of accounts. */
  gatewayNotAllowed: "GatewayNotAllowed",
  /** Nobody has told the hub an address of the cluster's API server. */
  endpointUnknown: "EndpointUnknown",
  /** The hub's administrator has not opened that namespace for outputs. */
  namespaceNotAllowed: "NamespaceNotAllowed",
  /** Others made the Secret of that name. */
  secretNotOurs: "SecretNotOurs",
  /** Another account has the Secret of that name. */
  secretTaken: "SecretTaken",
  /** Another Argo CD cluster there leads to the same server, and Argo CD would mix them up. */
  serverTaken: "ServerTaken",
  tokenMissing: "TokenMissing",
  /** The agent is not on the cluster, or on its way out. */
  addonRemoved: "AddonRemoved",
  /** The hub did not take it. */
  failed: "OutputFailed",
} as const;
export type AccountOutputReason = (typeof accountOutputReasons)[keyof typeof accountOutputReasons];

const text = () => z.string().meta({ minLength: 1, maxLength: 253 });

const outputVia = z.enum(["Gateway", "Direct"]);
/** How a client reaches the cluster: through the hub's gateway, or at the cluster's own address. */
export type OutputVia = z.infer<typeof outputVia>;

const via = () =>
  outputVia
    .default("Gateway")
    .describe(
      "How clients reach the cluster: through the gateway of the hub, or directly at the address in its ManagedCluster.",
    );

const kubeconfigOutput = z
  .object({
    namespace: dnsLabel()
      .optional()
      .describe(
        "Namespace of the Secret, one that the hub's administrator allows; this object's own when absent.",
      ),
    secretName: dnsSubdomain()
      .optional()
      .describe(
        "Name of the Secret; <name>-kubeconfig when absent, <cluster>.<name>-kubeconfig in another namespace.",
      ),
    via: via(),
    contextNamespace: dnsLabel().optional().describe("Namespace that kubectl works in by default."),
  })
  .describe("A Secret with a kubeconfig, under the key kubeconfig.");
export type KubeconfigOutput = z.infer<typeof kubeconfigOutput>;

const argocdOutput = z
  .object({
    namespace: dnsLabel().describe(
      "Namespace of Argo CD, one that the hub's administrator allows, or this object's own.",
    ),
    secretName: dnsSubdomain()
      .optional()
      .describe("Name of the Secret; <cluster>.<name>-argocd when absent."),
    via: via(),
    clusterName: text().optional().describe("Name of the cluster in Argo CD; its own when absent."),
    project: text().optional().describe("Project of Argo CD that alone may use the cluster."),
    labels: z
      .record(z.string(), labelValue())
      .optional()
      .describe("Further labels of the Secret, for generators of ApplicationSets.")
      .meta({
        maxProperties: 32,
        "x-kubernetes-validations": [
          {
            rule: `self.all(key, !key.startsWith('${group}/') && key != '${argocdCluster.typeLabel}')`,
            message: `labels must not hold ${argocdCluster.typeLabel} or keys of ${group}: those are set by the controller`,
          },
        ],
      }),
    namespaces: z
      .array(dnsLabel())
      .meta({ minItems: 1, maxItems: 128 })
      .optional()
      .describe("The only namespaces of the cluster that Argo CD manages; all when absent."),
    clusterResources: z
      .boolean()
      .optional()
      .describe("With namespaces: whether Argo CD manages what is in no namespace too."),
  })
  .describe("A Secret that declares the cluster to Argo CD.")
  .meta({
    "x-kubernetes-validations": [
      {
        rule: "!has(self.clusterResources) || has(self.namespaces)",
        message: "clusterResources needs namespaces: without them Argo CD manages everything",
      },
    ],
  });
export type ArgocdOutput = z.infer<typeof argocdOutput>;

/** What is to be made from an account's token, in a shape that its consumers take as it is. */
export const accountOutputs = z.object({
  kubeconfig: kubeconfigOutput.optional(),
  argocd: argocdOutput.optional(),
});
export type AccountOutputs = z.infer<typeof accountOutputs>;
