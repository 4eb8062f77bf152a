import {
  deployments,
  type KubeObject,
  type ManagedProxyConfiguration,
  managedProxyConfigurations,
  type ObjectMeta,
  podDisruptionBudgets,
  roleBindings,
  roles,
  secrets,
  serviceAccounts,
  services,
} from "#api";
import type { Desired } from "../../installation/action.ts";
import { type Owner, ownedBy } from "../../installation/owner.ts";
import { opaqueSecret } from "../../installation/tls-secret.ts";
import {
  agentGroup,
  podPorts,
  proxyNames,
  serverLabels,
  serverPorts,
  sharedIdentity,
} from "../names.ts";
import type { ByAuthority } from "./authorities.ts";
import { serverPodSpec } from "./pod-spec.ts";

/** What the controller's command line says about tunnel servers. */
export interface DesiredOptions {
  readonly imagePullPolicy: string;
  /** Whether agents that upstream's manager registered may still connect. */
  readonly isSharedIdentityAccepted: boolean;
  /** How long a new authority is trusted before it signs, and the one before afterwards. */
  readonly authorityOverlapMs: number;
}

/** The configuration as the owner of all that is made for it. */
export function ownerOf(configuration: ManagedProxyConfiguration): Owner {
  return { type: managedProxyConfigurations, object: configuration, labels: serverLabels };
}

/** What the objects depend on beside the configuration and the command line. */
export interface DesiredInput {
  /** What each side trusts, PEM. */
  readonly ca: ByAuthority<string>;
  /** Whether agents come in by a port-forward, which needs rights on the hub. */
  readonly isForwarded: boolean;
}

/** The tunnel server and what leads to it, except for its certificates. */
export function desiredObjects(
  configuration: ManagedProxyConfiguration,
  { ca, isForwarded }: DesiredInput,
  options: DesiredOptions,
): readonly Desired[] {
  const { inClusterServiceName } = configuration.spec.proxyServer;
  const metadata = (name: string): ObjectMeta => metadataOf(configuration, name);
  return [
    { type: serviceAccounts, object: { metadata: metadata(proxyNames.serviceAccount) } },
    {
      type: services,
      object: inClusterService(metadata(inClusterServiceName), podPorts(configuration.spec)),
    },
    ...loadBalancer(configuration),
    {
      type: secrets,
      object: opaqueSecret(metadata(proxyNames.frontendCaSecret), { "ca.crt": ca.frontends }),
    },
    {
      type: secrets,
      object: opaqueSecret(metadata(proxyNames.agentServerCaSecret), { "ca.crt": ca.agents }),
    },
    ...serverRights(configuration),
    ...(isForwarded ? portForwardRights(configuration, options) : []),
    deployment(configuration, options),
    ...disruptionBudget(configuration),
  ];
}

function inClusterService(metadata: ObjectMeta, ports: ReturnType<typeof podPorts>): KubeObject {
  const service = {
    metadata,
    spec: {
      type: "ClusterIP",
      selector: serverLabels,
      ports: [
        { name: "proxy-server", port: serverPorts.frontend, targetPort: ports.frontend },
        { name: "agent-server", port: serverPorts.agent, targetPort: ports.agent },
      ],
    },
  };
  return service;
}

function loadBalancer(configuration: ManagedProxyConfiguration): readonly Desired[] {
  const { type, port, loadBalancerService } = configuration.spec.proxyServer.entrypoint;
  if (type !== "LoadBalancerService") return [];
  const annotations = Object.fromEntries(
    loadBalancerService.annotations.map(({ key, value }) => [key, value]),
  );
  const service = {
    metadata: { ...metadataOf(configuration, loadBalancerService.name), annotations },
    spec: {
      type: "LoadBalancer",
      selector: serverLabels,
      // Agents only: what serves front ends is not for the world outside.
      ports: [{ name: "agent-server", port, targetPort: podPorts(configuration.spec).agent }],
    },
  };
  return [{ type: services, object: service }];
}

/**
 * Servers find each other by Leases, and tell of certificates that cannot be used. A role cannot name
 * Leases that are named after servers to come; a policy of the chart keeps them to those.
 */
function serverRights(configuration: ManagedProxyConfiguration): readonly Desired[] {
  const metadata = metadataOf(configuration, proxyNames.serverRole);
  const { namespace } = configuration.spec.proxyServer;
  const apiGroup = "rbac.authorization.k8s.io";
  const role = {
    metadata,
    rules: [
      {
        apiGroups: ["coordination.k8s.io"],
        resources: ["leases"],
        verbs: ["list", "watch", "create", "patch", "delete"],
      },
      { apiGroups: [""], resources: ["events"], verbs: ["create"] },
    ],
  };
  const binding = {
    metadata,
    roleRef: { apiGroup, kind: "Role", name: metadata.name },
    subjects: [{ kind: "ServiceAccount", name: proxyNames.serviceAccount, namespace }],
  };
  return [
    { type: roles, object: role },
    { type: roleBindings, object: binding },
  ];
}

function portForwardRights(
  configuration: ManagedProxyConfiguration,
  { isSharedIdentityAccepted }: DesiredOptions,
): readonly Desired[] {
  const metadata = metadataOf(configuration, proxyNames.portForwardRole);
  const apiGroup = "rbac.authorization.k8s.io";
  const role = {
    metadata,
    rules: [
      { apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] },
      { apiGroups: [""], resources: ["pods/portforward"], verbs: ["create", "get"] },
    ],
  };
  const groups = [agentGroup, ...(isSharedIdentityAccepted ? [sharedIdentity.group] : [])];
  const binding = {
    metadata,
    roleRef: { apiGroup, kind: "Role", name: metadata.name },
    subjects: groups.map((name) => ({ apiGroup, kind: "Group", name })),
  };
  return [
    { type: roles, object: role },
    { type: roleBindings, object: binding },
  ];
}

function deployment(configuration: ManagedProxyConfiguration, options: DesiredOptions): Desired {
  const { replicas } = configuration.spec.proxyServer;
  const object = {
    metadata: metadataOf(configuration, configuration.metadata.name),
    spec: {
      replicas,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      selector: { matchLabels: serverLabels },
      template: {
        metadata: { labels: serverLabels },
        spec: serverPodSpec(configuration.spec, options),
      },
    },
  };
  return { type: deployments, object };
}

/** Drains of nodes take one server at a time. A single one cannot be kept and drained as well. */
function disruptionBudget(configuration: ManagedProxyConfiguration): readonly Desired[] {
  if (configuration.spec.proxyServer.replicas < 2) return [];
  const object = {
    metadata: metadataOf(configuration, configuration.metadata.name),
    spec: { maxUnavailable: 1, selector: { matchLabels: serverLabels } },
  };
  return [{ type: podDisruptionBudgets, object }];
}

function metadataOf(configuration: ManagedProxyConfiguration, name: string): ObjectMeta {
  return ownedBy(ownerOf(configuration), name, configuration.spec.proxyServer.namespace);
}
