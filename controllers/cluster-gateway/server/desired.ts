import {
  apiServices,
  type ClusterGatewayConfiguration,
  clusterGatewayConfigurations,
  deployments,
  type ObjectMeta,
  podDisruptionBudgets,
  type Secret,
  secrets,
  services,
} from "#api";
import type { Desired } from "../../installation/action.ts";
import { type Owner, ownedBy } from "../../installation/owner.ts";
import { opaqueSecret, secretText } from "../../installation/tls-secret.ts";
import { layoutOf } from "../configuration.ts";
import { gatewayLabels, gatewayNames, gatewayPort } from "../names.ts";
import type { TunnelSources } from "./gather.ts";
import { identityDocument } from "./identity-document.ts";
import { gatewayPodSpec } from "./pod-spec.ts";

/** The configuration as the owner of all that is made for it. */
export function ownerOf(configuration: ClusterGatewayConfiguration): Owner {
  return { type: clusterGatewayConfigurations, object: configuration, labels: gatewayLabels };
}

/** The gateway, what it reads about identities, the Service that leads to it, and its protection. */
export function desiredObjects(
  configuration: ClusterGatewayConfiguration,
  imagePullPolicy: string,
): readonly Desired[] {
  const service = {
    metadata: metadataOf(configuration, gatewayNames.service),
    spec: {
      selector: gatewayLabels,
      ports: [{ name: "https", port: gatewayPort, targetPort: gatewayPort }],
    },
  };
  const deployment = {
    metadata: metadataOf(configuration, gatewayNames.deployment),
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
    identityDocument(metadataOf(configuration, gatewayNames.identityConfigMap), configuration.spec),
    { type: services, object: service },
    { type: deployments, object: deployment },
    disruptionBudget(configuration),
  ];
}

/** Drains of nodes take one gateway at a time. Where there is only one, they may take that. */
function disruptionBudget(configuration: ClusterGatewayConfiguration): Desired {
  const object = {
    metadata: metadataOf(configuration, gatewayNames.deployment),
    spec: { maxUnavailable: 1, selector: { matchLabels: gatewayLabels } },
  };
  return { type: podDisruptionBudgets, object };
}

/** Copies of what opens the tunnel: only the keys that the gateway reads. */
export function tunnelCopies(
  configuration: ClusterGatewayConfiguration,
  { ca, client }: TunnelSources,
): readonly Desired[] {
  const { tunnelCaSecret, tunnelClientSecret } = gatewayNames;
  return [
    copyOf(metadataOf(configuration, tunnelCaSecret), ca, ["ca.crt"]),
    copyOf(metadataOf(configuration, tunnelClientSecret), client, ["tls.crt", "tls.key"]),
  ];
}

/** The registration of the gateway as an API of the hub. */
export function apiService(configuration: ClusterGatewayConfiguration, caPem: string): Desired {
  const { group, version, apiServiceName } = layoutOf(configuration);
  const object = {
    metadata: ownedBy(ownerOf(configuration), apiServiceName),
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

function metadataOf(configuration: ClusterGatewayConfiguration, name: string): ObjectMeta {
  return ownedBy(ownerOf(configuration), name, configuration.spec.installNamespace);
}
