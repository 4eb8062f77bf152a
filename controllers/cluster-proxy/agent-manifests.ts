import type { ManagedProxyConfigurationSpec, Manifest } from "#api";
import { agentNamespace } from "../agent-namespace.ts";
import {
  containerSecurityContext,
  podIdentity,
  podSecurityContext,
  probes,
} from "../pod-security.ts";
import type { Entrypoint } from "./entrypoint.ts";
import { podPorts, proxyNames, serverPorts } from "./names.ts";
import { tunnelNodeFlags } from "./node-flags.ts";
import {
  type ServiceProxyInput,
  serviceProxyFlags,
  serviceProxyIdentifier,
  serviceProxyManifests,
  serviceProxyVolumes,
  userServerCaKey,
} from "./service-proxy.ts";
/** What the agent's manifests are made from. */
export interface AgentInput {
  readonly clusterName: string;
  readonly namespace: string;
  readonly spec: ManagedProxyConfigurationSpec;
  readonly entrypoint: Entrypoint;
  /** The authorities that the tunnel server's certificate may come from, PEM. */
  readonly caPem: string;
  /** The authorities of a proxy that is spoken to in TLS, PEM; empty for none. */
  readonly httpsProxyCaPem: string;
  readonly replicas: number;
  /** Domain of Services on the managed cluster. */
  readonly serviceDomain: string;
  /** Whether the cluster's API server is reached under the cluster's name. */
  readonly isKubeApiProxied: boolean;
  /** Undefined where the agent serves no user server. */
  readonly serviceProxy: ServiceProxyInput | undefined;
}

const healthPort = 8093;
const proxyCaKey = "https-proxy-ca.crt";

/** The agent on one managed cluster. */
export function agentManifests(input: AgentInput): readonly Manifest[] {
  const { namespace, clusterName, serviceDomain, isKubeApiProxied } = input;
  const apiServer = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: clusterName, namespace },
    spec: { type: "ExternalName", externalName: `kubernetes.default.${serviceDomain}` },
  };
  return [
    agentNamespace(namespace),
    {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: proxyNames.serviceAccount, namespace },
    },
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: proxyNames.agentCaSecret, namespace },
      type: "Opaque",
      data: authorities(input),
    },
    ...(isKubeApiProxied ? [apiServer] : []),
    ...ownRights(namespace),
    ...(input.serviceProxy ? serviceProxyManifests(namespace, input.serviceProxy) : []),
    deployment(input),
  ];
}

/** The proxy's are apart: the tunnel server is not to be vouched for by them. */
function authorities({
  caPem,
  httpsProxyCaPem,
  serviceProxy,
}: AgentInput): Readonly<Record<string, string>> {
  const encode = (text: string): string => Buffer.from(text).toString("base64");
  return {
    "ca.crt": encode(caPem),
    ...(httpsProxyCaPem === "" ? {} : { [proxyCaKey]: encode(httpsProxyCaPem) }),
    ...(serviceProxy && { [userServerCaKey]: encode(serviceProxy.userServerCaPem) }),
  };
}

function ownRights(namespace: string): readonly Manifest[] {
  const metadata = { name: proxyNames.agentRole, namespace };
  return [
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "Role",
      metadata,
      rules: [
        {
          apiGroups: ["coordination.k8s.io"],
          resources: ["leases"],
          verbs: ["get", "list", "watch", "create", "update", "patch"],
        },
        // To tell of a certificate that cannot be used.
        { apiGroups: [""], resources: ["events"], verbs: ["create"] },
      ],
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata,
      roleRef: {
        apiGroup: "rbac.authorization.k8s.io",
        kind: "Role",
        name: proxyNames.agentRole,
      },
      subjects: [{ kind: "ServiceAccount", name: proxyNames.serviceAccount, namespace }],
    },
  ];
}

function deployment(input: AgentInput): Manifest {
  const { namespace, replicas, spec } = input;
  const labels = {
    "open-cluster-management.io/addon": "cluster-proxy",
    "proxy.open-cluster-management.io/component-name": "proxy-agent",
  };
  const pullSecrets = spec.proxyAgent.imagePullSecrets.map((name) => ({ name }));
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: proxyNames.agentDeployment, namespace, labels },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: proxyNames.serviceAccount,
          terminationGracePeriodSeconds: 40,
          securityContext: podSecurityContext,
          ...(pullSecrets.length === 0 ? {} : { imagePullSecrets: pullSecrets }),
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: "kubernetes.io/hostname",
              whenUnsatisfiable: "ScheduleAnyway",
              labelSelector: { matchLabels: labels },
            },
          ],
          tolerations: [
            { key: "dedicated", operator: "Equal", value: "infra", effect: "NoSchedule" },
            { key: "node-role.kubernetes.io/infra", operator: "Exists", effect: "NoSchedule" },
          ],
          containers: [container(input)],
          volumes: [
            { name: "ca", secret: { secretName: proxyNames.agentCaSecret } },
            { name: "hub", secret: { secretName: proxyNames.agentCertificateSecret } },
            { name: "hub-kubeconfig", secret: { secretName: proxyNames.agentKubeconfigSecret } },
            ...Object.values(ownVolumes(input)),
          ],
        },
      },
    },
  };
}

function ownVolumes({ serviceProxy }: AgentInput) {
  return serviceProxy === undefined ? {} : serviceProxyVolumes(serviceProxy);
}

function container(input: AgentInput) {
  const { spec } = input;
  return {
    name: "proxy-agent",
    image: spec.proxyAgent.image,
    imagePullPolicy: "IfNotPresent",
    args: [
      ...tunnelNodeFlags,
      "/app/agent.mjs",
      "tunnel",
      ...agentFlags(input),
      ...spec.proxyAgent.additionalArgs,
    ],
    env: podIdentity,
    ports: [{ name: "health", containerPort: healthPort }],
    ...probes(healthPort),
    securityContext: containerSecurityContext,
    volumeMounts: [
      { name: "ca", mountPath: "/etc/ca", readOnly: true },
      { name: "hub", mountPath: "/etc/tls", readOnly: true },
      { name: "hub-kubeconfig", mountPath: "/etc/kubeconfig", readOnly: true },
      ...Object.entries(ownVolumes(input)).map(([mountPath, { name }]) => ({
        name,
        mountPath,
        readOnly: true,
      })),
    ],
  };
}

function agentFlags({
  clusterName,
  namespace,
  spec,
  entrypoint,
  isKubeApiProxied,
  httpsProxyCaPem,
  serviceProxy,
}: AgentInput): readonly string[] {
  const { agent: podPort } = podPorts(spec);
  const identifiers = [
    ...(serviceProxy === undefined ? [] : [serviceProxyIdentifier(clusterName)]),
    ...(isKubeApiProxied ? [`host=${clusterName}`, `host=${clusterName}.${namespace}`] : []),
  ];
  return [
    `--proxy-server-host=${entrypoint.host}`,
    `--proxy-server-port=${entrypoint.port}`,
    ...(identifiers.length > 0 ? [`--agent-identifiers=${identifiers.join("&")}`] : []),
    "--ca-cert=/etc/ca/ca.crt",
    "--agent-cert=/etc/tls/tls.crt",
    "--agent-key=/etc/tls/tls.key",
    "--hub-kubeconfig=/etc/kubeconfig/kubeconfig",
    `--cluster-name=${clusterName}`,
    `--proxy-server-namespace=${spec.proxyServer.namespace}`,
    `--enable-port-forward-proxy=${entrypoint.isPortForward}`,
    ...(podPort === serverPorts.agent ? [] : [`--port-forward-target-port=${podPort}`]),
    ...(httpsProxyCaPem === "" ? [] : [`--https-proxy-ca-cert=/etc/ca/${proxyCaKey}`]),
    ...(serviceProxy === undefined ? [] : serviceProxyFlags(serviceProxy)),
  ];
}
