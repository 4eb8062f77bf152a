import {
  apiServices,
  apiVersionOf,
  type ClusterGatewayConfiguration,
  clusterGatewayConfigurations,
  deployments,
  type KubeObject,
  type ObjectMeta,
  ownerReferenceTo,
  type ResourceType,
  type Secret,
  secrets,
  services,
} from "#api";
import { opaqueSecret, secretText } from "../../tls-secret.ts";
import { gatewayApi, gatewayLabels, gatewayNames, gatewayPort } from "../names.ts";
import type { TunnelSources } from "./gather.ts";
import { gatewayPodSpec } from "./pod-spec.ts";

/** An object that is to be on the hub. */
export interface Desired {
  readonly type: ResourceType;
  readonly object: KubeObject;
}

/** Metadata of an object of the gateway, which goes with its configuration. */
export function ownedBy(configuration: ClusterGatewayConfiguration, name: string): ObjectMeta {
  const { kind } = clusterGatewayConfigurations;
  const apiVersion = apiVersionOf(clusterGatewayConfigurations);
  const owner = ownerReferenceTo(apiVersion, kind, configuration, { blockOwnerDeletion: true });
  return { name, labels: gatewayLabels, ownerReferences: [owner] };
}

/** The same in the namespace of the gateway. */
export function installedFor(configuration: ClusterGatewayConfiguration, name: string): ObjectMeta {
  return { ...ownedBy(configuration, name), namespace: configuration.spec.installNamespace };
}

/** The gateway and the Service that leads to it. */
export function desiredObjects(
  configuration: ClusterGatewayConfiguration,
  imagePullPolicy: string,
): readonly Desired[] {
  const service = {
    metadata: installedFor(configuration, gatewayNames.service),
    spec: {
      selector: gatewayLabels,
      ports: [{ name: "https", port: gatewayPort, targetPort: gatewayPort }],
    },
  };
  const deployment = {
    metadata: installedFor(configuration, gatewayNames.deployment),
    spec: {
      replicas: configuration.spec.replicas,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      selector: { matchLabels: gatewayLabels },
      template: {
        metadata: { labels: gatewayLabels },
        spec: gatewayPodSpec(configuration.spec, imagePullPolicy),
      },
    },
  };
  return [
    { type: services, object: service },
    { type: deployments, object: deployment },
  ];
}

/** Copies of what opens the tunnel: only the keys that the gateway reads. */
export function tunnelCopies(
  configuration: ClusterGatewayConfiguration,
  { ca, client }: TunnelSources,
): readonly Desired[] {
  const { tunnelCaSecret, tunnelClientSecret } = gatewayNames;
  return [
    copyOf(installedFor(configuration, tunnelCaSecret), ca, ["ca.crt"]),
    copyOf(installedFor(configuration, tunnelClientSecret), client, ["tls.crt", "tls.key"]),
  ];
}

/** The registration of the gateway as an API of the hub. */
export function apiService(configuration: ClusterGatewayConfiguration, caPem: string): Desired {
  const { group, version } = gatewayApi;
  const object = {
    metadata: ownedBy(configuration, gatewayNames.apiService),
    spec: {
      group,
      version,
      groupPriorityMinimum: 5000,
      versionPriority: 10,
      caBundle: Buffer.from(caPem).toString("base64"),
      service: {
        namespace: configuration.spec.installNamespace,
        name: gatewayNames.service,
        port: gatewayPort,
      },
    },
  };
  return { type: apiServices, object };
}

function copyOf(
  metadata: ObjectMeta,
  source: Secret | undefined,
  keys: readonly string[],
): Desired {
  const texts = Object.fromEntries(keys.map((key) => [key, secretText(source, key) ?? ""]));
  return { type: secrets, object: opaqueSecret(metadata, texts) };
}
