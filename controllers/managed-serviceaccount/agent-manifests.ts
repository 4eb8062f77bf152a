import {
  addonNames,
  grantingRules,
  type Manifest,
  managedServiceAccountNames,
  type PermissionPolicy,
} from "#api";
import { agentNamespace } from "../agent-namespace.ts";
import { containerSecurityContext, podSecurityContext, probes } from "../pod-security.ts";
import { pullSecretManifest } from "./pull-secret/pull-secret.ts";

/** What the agent's manifests are made from. */
export interface AgentInput {
  readonly clusterName: string;
  readonly namespace: string;
  readonly image: string;
  /** Content of the pull secret, as Secrets hold it (base64); undefined for none. */
  readonly pullSecretData: string | undefined;
  /** The authorities of a proxy that is spoken to in TLS, PEM; empty for none. */
  readonly httpsProxyCaPem: string;
  /** What accounts of this cluster may be given; undefined for no rights to give any. */
  readonly policy: PermissionPolicy | undefined;
  /** How many agents; one of several leads. */
  readonly replicas: number;
  /** Labels of the ServiceMonitor for Prometheus Operator; undefined for none. */
  readonly monitorLabels: Readonly<Record<string, string>> | undefined;
  /** Whether it deletes accounts at the end of their `spec.ttlSecondsAfterCreation`. */
  readonly endsEphemeral: boolean;
}

const addon = addonNames.managedServiceAccount;
const deploymentName = "managed-serviceaccount-addon-agent";
const roleName = managedServiceAccountNames.agentClusterRole;
const pullSecretName = "open-cluster-management-image-pull-credentials";
const proxyCaName = "managed-serviceaccount-https-proxy-ca";
const proxyCaKey = "ca.crt";
const proxyCaPath = "/etc/https-proxy-ca";
const rbacGroup = "rbac.authorization.k8s.io";
const rbacVersion = `${rbacGroup}/v1`;
/**
 * How Node runs the agent. What is live of thousands of accounts is a few MB; bursts of short-lived
 * objects around them are collected early instead of growing the process for good, and threads share
 * one pool of memory, of which less lies idle. docs/performance.md has what that is worth.
 */
export const agentEnvironment = [{ name: "MALLOC_ARENA_MAX", value: "1" }] as const;
export const agentNodeFlags = ["--max-semi-space-size=1", "--heap-growing-percent=40"] as const;
const healthPort = 8000;
const metricsPort = 38_080;

/** The agent on one managed cluster. */
export function agentManifests(input: AgentInput): readonly Manifest[] {
  const { namespace, pullSecretData, httpsProxyCaPem, policy, monitorLabels } = input;
  const proxyCa = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: proxyCaName, namespace },
    data: { [proxyCaKey]: httpsProxyCaPem },
  };
  return [
    agentNamespace(namespace),
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: addon, namespace } },
    ...(pullSecretData === undefined
      ? []
      : [pullSecretManifest(pullSecretName, namespace, pullSecretData)]),
    ...(httpsProxyCaPem === "" ? [] : [proxyCa]),
    ...clusterRights(namespace, policy),
    ...namespaceRights(namespace),
    metricsService(namespace),
    deployment(input),
    ...(monitorLabels === undefined ? [] : [serviceMonitor(namespace, monitorLabels)]),
  ];
}

/** The token it has made is shown to the API server, which says whether it is valid. */
function clusterRights(
  namespace: string,
  policy: PermissionPolicy | undefined,
): readonly Manifest[] {
  const rules = [
    { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
    ...(policy === undefined ? [] : grantingRules(policy)),
  ];
  return [
    { apiVersion: rbacVersion, kind: "ClusterRole", metadata: { name: roleName }, rules },
    {
      apiVersion: rbacVersion,
      kind: "ClusterRoleBinding",
      metadata: { name: roleName },
      roleRef: { apiGroup: rbacGroup, kind: "ClusterRole", name: roleName },
      subjects: [{ kind: "ServiceAccount", name: addon, namespace }],
    },
  ];
}

function namespaceRights(namespace: string): readonly Manifest[] {
  const metadata = { name: roleName, namespace };
  return [
    {
      apiVersion: rbacVersion,
      kind: "Role",
      metadata,
      rules: [
        {
          apiGroups: [""],
          resources: ["serviceaccounts", "serviceaccounts/token"],
          verbs: ["get", "list", "watch", "create", "update", "patch", "delete"],
        },
        {
          apiGroups: ["coordination.k8s.io"],
          resources: ["leases"],
          verbs: ["get", "create", "update", "patch"],
        },
        {
          apiGroups: [""],
          resources: ["configmaps"],
          verbs: ["get", "list", "watch", "create", "update", "patch"],
        },
        { apiGroups: [""], resources: ["events"], verbs: ["create", "patch"] },
      ],
    },
    {
      apiVersion: rbacVersion,
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: rbacGroup, kind: "Role", name: roleName },
      subjects: [{ kind: "ServiceAccount", name: addon, namespace }],
    },
  ];
}

const labels = { "addon-agent": addon };

function metricsService(namespace: string): Manifest {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: deploymentName, namespace, labels },
    spec: { selector: labels, ports: [{ name: "metrics", port: metricsPort }] },
  };
}

function serviceMonitor(
  namespace: string,
  monitorLabels: Readonly<Record<string, string>>,
): Manifest {
  return {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "ServiceMonitor",
    metadata: { name: deploymentName, namespace, labels: { ...labels, ...monitorLabels } },
    spec: {
      endpoints: [{ port: "metrics", path: "/metrics" }],
      selector: { matchLabels: labels },
    },
  };
}

/**
 * The agent's own token, in place of the one that a pod gets by itself. When the cluster comes back
 * with another signing key, no token works until kubelet asks for a new one, which it does once four
 * fifths of its time are over: 8 minutes with the shortest time that there is, 48 with the usual one.
 */
const ownToken = {
  name: "own-token",
  projected: {
    sources: [
      { serviceAccountToken: { path: "token", expirationSeconds: 600 } },
      { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
      {
        downwardAPI: {
          items: [{ path: "namespace", fieldRef: { fieldPath: "metadata.namespace" } }],
        },
      },
    ],
  },
} as const;
const ownTokenMount = {
  name: ownToken.name,
  mountPath: "/var/run/secrets/kubernetes.io/serviceaccount",
  readOnly: true,
} as const;

function deployment(input: AgentInput): Manifest {
  const { namespace, pullSecretData, httpsProxyCaPem, replicas } = input;
  const hub = { name: "hub-kubeconfig", secret: { secretName: `${addon}-hub-kubeconfig` } };
  const proxyCa = { name: "https-proxy-ca", configMap: { name: proxyCaName } };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: deploymentName, namespace, labels },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: addon,
          automountServiceAccountToken: false,
          securityContext: podSecurityContext,
          ...(pullSecretData === undefined ? {} : { imagePullSecrets: [{ name: pullSecretName }] }),
          containers: [container(input)],
          volumes: [hub, ownToken, ...(httpsProxyCaPem === "" ? [] : [proxyCa])],
        },
      },
    },
  };
}

function container(input: AgentInput) {
  const { clusterName, image, httpsProxyCaPem, policy, replicas, endsEphemeral } = input;
  const hub = { name: "hub-kubeconfig", mountPath: "/etc/hub", readOnly: true };
  const proxyCa = { name: "https-proxy-ca", mountPath: proxyCaPath, readOnly: true };
  return {
    name: "addon-agent",
    image,
    imagePullPolicy: "IfNotPresent",
    args: [
      ...agentNodeFlags,
      "/app/agent.mjs",
      "tokens",
      `--cluster-name=${clusterName}`,
      "--kubeconfig=/etc/hub/kubeconfig",
      "--lease-health-check=true",
      ...(httpsProxyCaPem === "" ? [] : [`--https-proxy-ca-cert=${proxyCaPath}/${proxyCaKey}`]),
      ...(replicas > 1 ? ["--leader-elect=true"] : []),
      ...(endsEphemeral ? ["--feature-gates=EphemeralIdentity=true"] : []),
      ...(policy === undefined ? [] : [`--permission-policy=${JSON.stringify(policy)}`]),
    ],
    env: [
      { name: "POD_NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
      ...agentEnvironment,
    ],
    ports: [
      { name: "health", containerPort: healthPort },
      { name: "metrics", containerPort: metricsPort },
    ],
    ...probes(healthPort),
    securityContext: containerSecurityContext,
    volumeMounts: [hub, ownTokenMount, ...(httpsProxyCaPem === "" ? [] : [proxyCa])],
  };
}
