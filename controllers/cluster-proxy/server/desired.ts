import {
  apiVersionOf,
  deployments,
  type KubeObject,
  type ManagedProxyConfiguration,
  managedProxyConfigurations,
  type ObjectMeta,
  ownerReferenceTo,
  type ResourceType,
  roleBindings,
  roles,
  secrets,
  serviceAccounts,
  services,
} from "#api";
import { opaqueSecret } from "../../tls-secret.ts";
import { agentIdentity, proxyNames, serverLabels, serverPorts } from "../names.ts";
import { serverPodSpec } from "./pod-spec.ts";

/** An object that is to be on the hub. */
export interface Desired {
  readonly type: ResourceType;
  readonly object: KubeObject;
}

export interface DesiredOptions {
  readonly imagePullPolicy: string;
}

/** Metadata of an object of the tunnel server, which goes with its configuration. */
export function ownedBy(
  configuration: ManagedProxyConfiguration,
  name: string,
  labels: Readonly<Record<string, string>> = serverLabels,
): ObjectMeta {
  const { kind } = managedProxyConfigurations;
  const apiVersion = apiVersionOf(managedProxyConfigurations);
  const owner = ownerReferenceTo(apiVersion, kind, configuration, { blockOwnerDeletion: true });
  const { namespace } = configuration.spec.proxyServer;
  return { name, namespace, labels, ownerReferences: [owner] };
}

/** The tunnel server and what leads to it, except for its certificates. */
export function desiredObjects(
  configuration: ManagedProxyConfiguration,
  caPem: string,
  options: DesiredOptions,
): readonly Desired[] {
  const { inClusterServiceName } = configuration.spec.proxyServer;
  const metadata = (name: string): ObjectMeta => ownedBy(configuration, name);
  return [
    { type: serviceAccounts, object: { metadata: metadata(proxyNames.serviceAccount) } },
    {
      type: services,
      object: inClusterService(metadata(inClusterServiceName)),
    },
    ...loadBalancer(configuration),
    {
      type: secrets,
      object: opaqueSecret(metadata(proxyNames.caSecret), { "ca.crt": caPem }),
    },
    ...portForwardRights(metadata(proxyNames.portForwardRole)),
    deployment(configuration, options),
  ];
}

function inClusterService(metadata: ObjectMeta): KubeObject {
  const service = {
    metadata,
    spec: {
      type: "ClusterIP",
      selector: serverLabels,
      ports: [
        { name: "proxy-server", port: serverPorts.frontend, targetPort: serverPorts.frontend },
        { name: "agent-server", port: serverPorts.agent, targetPort: serverPorts.agent },
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
    metadata: { ...ownedBy(configuration, loadBalancerService.name), annotations },
    spec: {
      type: "LoadBalancer",
      selector: serverLabels,
      // Agents only: what serves front ends is not for the world outside.
      ports: [{ name: "agent-server", port, targetPort: serverPorts.agent }],
    },
  };
  return [{ type: services, object: service }];
}

function portForwardRights(metadata: ObjectMeta): readonly Desired[] {
  const apiGroup = "rbac.authorization.k8s.io";
  const role = {
    metadata,
    rules: [
      { apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] },
      { apiGroups: [""], resources: ["pods/portforward"], verbs: ["create", "get"] },
    ],
  };
  const binding = {
    metadata,
    roleRef: { apiGroup, kind: "Role", name: metadata.name },
    subjects: [{ apiGroup, kind: "Group", name: agentIdentity.group }],
  };
  return [
    { type: roles, object: role },
    { type: roleBindings, object: binding },
  ];
}

function deployment(
  configuration: ManagedProxyConfiguration,
  { imagePullPolicy }: DesiredOptions,
): Desired {
  const { replicas } = configuration.spec.proxyServer;
  const object = {
    metadata: ownedBy(configuration, configuration.metadata.name),
    spec: {
      replicas,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      selector: { matchLabels: serverLabels },
      template: {
        metadata: { labels: serverLabels },
        spec: serverPodSpec(configuration.spec, imagePullPolicy),
      },
    },
  };
  return { type: deployments, object };
}
