import type { Flag } from "./flags.ts";

/** The command line of the hub controller. Flags of one addon do nothing for the others. */
export const controllerFlags = {
  addons: {
    type: "list",
    default: [],
    help: "Which addons: cluster-proxy, managed-serviceaccount, cluster-gateway; required",
  },
  kubeconfig: {
    type: "string",
    default: "",
    help: "Kubeconfig of the hub; the pod's own service account when empty",
  },
  "leader-elect": {
    type: "boolean",
    default: false,
    help: "Elect a leader for each addon among several controllers",
  },
  "deploy-mode": {
    type: "string",
    default: "Deployment",
    help: "Who brings managed-serviceaccount's agents to the clusters: Deployment, this controller; AddOnTemplate, OCM's addon manager",
  },
  "agent-image": {
    type: "string",
    default: "",
    help: "Image of what managed-serviceaccount runs on managed clusters",
  },
  "agent-image-pull-secret": {
    type: "string",
    default: "",
    help: "Secret of our namespace with which managed clusters pull that image; $AGENT_IMAGE_PULL_SECRET when empty",
  },
  "permission-policy": {
    type: "string",
    default: "",
    help: "JSON: what managed-serviceaccount may give its accounts on managed clusters; without it, nothing",
  },
  "output-namespaces": {
    type: "list",
    default: [],
    help: "Namespaces where accounts may have outputs, beside their own",
  },
  "gateway-pass-namespace": {
    type: "string",
    default: "",
    help: "Namespace of the gateway's credentials: open the gateway for tokens of accounts; closed when empty",
  },
  "gateway-address": {
    type: "string",
    default: "",
    help: "URL of the gateway's port for clients outside of the hub; its Service's when empty",
  },
  "agent-install-namespace": {
    type: "string",
    default: "open-cluster-management-cluster-proxy",
    help: "Namespace of cluster-proxy's agent when no AddOnDeploymentConfig names one",
  },
  "signer-secret-namespace": {
    type: "string",
    default: "",
    help: "Namespace of the certificate authority's Secret; our own when empty",
  },
  "signer-secret-name": {
    type: "string",
    default: "",
    help: "Name of the certificate authority's Secret; <addon>-signer when empty",
  },
  "enable-kube-api-proxy": {
    type: "boolean",
    default: true,
    help: "Reach each cluster's API server through the tunnel under the cluster's name",
  },
  "enable-service-proxy": {
    type: "boolean",
    default: false,
    help: "Agents serve the user server: each cluster's API, and Services that are exposed",
  },
  "enable-impersonation": {
    type: "boolean",
    default: true,
    help: "Users of the hub act on clusters through the service proxy, impersonated",
  },
  "exposed-services-configmap": {
    type: "string",
    default: "cluster-proxy-exposed-services",
    help: "ConfigMap of our namespace that lists the Services that may be reached on clusters",
  },
  "authority-overlap": {
    type: "duration",
    default: "24h",
    help: "How long a new authority of the tunnel is trusted before it signs, and the old one afterwards",
  },
  "accept-shared-agent-identity": {
    type: "boolean",
    default: false,
    help: "Let agents connect that carry upstream's identity, the same for every cluster; for a migration",
  },
  "image-pull-policy": {
    type: "string",
    default: "IfNotPresent",
    help: "For the tunnel server and the gateway",
  },
  "feature-gates": {
    type: "list",
    default: [],
    help: "EphemeralIdentity=true: agents delete accounts at the end of their ttlSecondsAfterCreation. ClusterProfile=true: access and tokens for ClusterProfiles",
  },
  "cluster-profile-namespaces": {
    type: "list",
    default: [],
    help: "Namespaces whose ClusterProfiles get tokens, with ClusterProfile=true; * for all that a ManagedClusterSetBinding gives the cluster",
  },
  "health-probe-bind-address": {
    type: "string",
    default: ":8081",
    help: "Address for /healthz and /readyz; 0 for none",
  },
  "metrics-bind-address": {
    type: "string",
    default: ":8080",
    help: "Address for metrics; 0 for none",
  },
} as const satisfies Readonly<Record<string, Flag>>;
