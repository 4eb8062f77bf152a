import {
  type ClusterGatewayConfiguration,
  clusterGatewayConditionTypes,
  clusterGatewayConfigurations,
  configMaps,
  defaultClusterGatewayConfigurationName,
  deployments,
  secrets,
} from "#api";
import type { KubeClient } from "#kube";
import type { AuthorityPlace } from "../../installation/action.ts";
import { certificateIn } from "../../installation/certificates.ts";
import type { Target } from "../../installation/following-trigger.ts";
import type { Installation } from "../../installation/installation.ts";
import { parseConfiguration } from "../configuration.ts";
import { gatewayNames } from "../names.ts";
import { ownerOf } from "./desired.ts";
import { gather, type Snapshot, tunnelSourcesOf } from "./gather.ts";
import { plan } from "./plan.ts";
import { conditionsAfter } from "./status.ts";

export interface GatewayOptions {
  /** Where the authority is kept. */
  readonly place: AuthorityPlace;
  readonly imagePullPolicy: string;
}

/** The gateway on the hub, as the ClusterGatewayConfiguration asks for. */
export function gatewayInstallation(
  client: KubeClient,
  { place, imagePullPolicy }: GatewayOptions,
): Installation<ClusterGatewayConfiguration, Snapshot> {
  return {
    name: "gateway-server",
    type: clusterGatewayConfigurations,
    configurationName: defaultClusterGatewayConfigurationName,
    parse: parseConfiguration,
    ownerOf,
    targetsOf,
    gather: async (configuration, signal) => gather(client, place, configuration, signal),
    plan: (snapshot, now) => plan(snapshot, place, imagePullPolicy, now),
    conditions: conditionsAfter,
    deployedType: clusterGatewayConditionTypes.deployed,
    upkeep: ({ configuration, serving }) => ({
      certificates: [
        {
          namespace: configuration.spec.installNamespace,
          secretName: gatewayNames.servingSecret,
          certificate: certificateIn(serving),
        },
      ],
      dueInMs: [],
    }),
    adviceOnForbidden:
      "The chart gives rights to the namespaces of its values clusterGateway and clusterProxy, and to no others",
  };
}

function targetsOf(configuration: ClusterGatewayConfiguration): readonly Target[] {
  const { installNamespace: namespace } = configuration.spec;
  const { servingSecret, tunnelCaSecret, tunnelClientSecret, deployment, identityConfigMap } =
    gatewayNames;
  const sources = tunnelSourcesOf(configuration);
  const copies = sources === undefined ? [] : [tunnelCaSecret, tunnelClientSecret];
  return [
    { type: deployments, namespace, name: deployment },
    { type: configMaps, namespace, name: identityConfigMap },
    ...[servingSecret, ...copies].map((name) => ({ type: secrets, namespace, name })),
    ...(sources === undefined ? [] : Object.values(sources)).map((source) => ({
      type: secrets,
      namespace: source.namespace,
      name: source.name,
    })),
  ];
}
