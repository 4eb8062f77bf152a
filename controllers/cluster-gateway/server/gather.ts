import {
  apiServices,
  type ClusterGatewayConfiguration,
  type Condition,
  clusterGatewayLayouts,
  type Deployment,
  deployments,
  type KubeObject,
  type ResourceType,
  type Secret,
  secrets,
} from "#api";
import { ignoreNotFound, type KubeClient } from "#kube";
import type { AuthorityPlace } from "../../installation/action.ts";
import { layoutOf } from "../configuration.ts";
import { gatewayNames } from "../names.ts";

/** An APIService, as far as we read it. */
export interface ApiService extends KubeObject {
  readonly status?: { readonly conditions?: readonly Condition[] };
}

/** What opens the tunnel, where cluster-proxy keeps it; undefined without a tunnel. */
export interface TunnelSources {
  readonly ca: Secret | undefined;
  readonly client: Secret | undefined;
}

/** All that is known about the gateway of one configuration. */
export interface Snapshot {
  readonly configuration: ClusterGatewayConfiguration;
  readonly signer: Secret | undefined;
  readonly serving: Secret | undefined;
  readonly tunnel: TunnelSources | undefined;
  readonly deployment: Deployment | undefined;
  readonly apiService: ApiService | undefined;
  /** Registrations in groups that the gateway no longer serves. */
  readonly staleApiServices: readonly ApiService[];
}

/** Reads all that a plan needs. */
export async function gather(
  client: KubeClient,
  place: AuthorityPlace,
  configuration: ClusterGatewayConfiguration,
  signal: AbortSignal,
): Promise<Snapshot> {
  const { installNamespace: namespace } = configuration.spec;
  const find = async <T extends KubeObject>(
    type: ResourceType<T>,
    key: { readonly name: string; readonly namespace?: string },
  ): Promise<T | undefined> => ignoreNotFound(client.get(type, key, signal));
  const sources = tunnelSourcesOf(configuration);
  const layout = layoutOf(configuration);
  const others = Object.values(clusterGatewayLayouts).filter((other) => other !== layout);
  const [signer, serving, deployment, apiService, ca, clientSecret] = await Promise.all([
    find(secrets, place),
    find(secrets, { namespace, name: gatewayNames.servingSecret }),
    find(deployments, { namespace, name: gatewayNames.deployment }),
    find<ApiService>(apiServices, { name: layout.apiServiceName }),
    sources === undefined ? undefined : find(secrets, sources.ca),
    sources === undefined ? undefined : find(secrets, sources.client),
  ]);
  const stale = await Promise.all(
    others.map(async ({ apiServiceName: name }) => find<ApiService>(apiServices, { name })),
  );
  const staleApiServices = stale.filter((found) => found !== undefined);
  const tunnel = sources === undefined ? undefined : { ca, client: clientSecret };
  return { configuration, signer, serving, deployment, apiService, staleApiServices, tunnel };
}

/** Where cluster-proxy keeps what opens the tunnel; undefined when no tunnel is used. */
export function tunnelSourcesOf({ spec: { egress } }: ClusterGatewayConfiguration) {
  if (egress.type !== "ClusterProxy" || egress.clusterProxy === undefined) return undefined;
  const { namespace, proxyClientCASecretName, proxyClientSecretName } =
    egress.clusterProxy.credentials;
  return {
    ca: { namespace, name: proxyClientCASecretName },
    client: { namespace, name: proxyClientSecretName },
  };
}
