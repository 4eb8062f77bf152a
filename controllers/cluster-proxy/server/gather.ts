import {
  type Deployment,
  deployments,
  type ManagedProxyConfiguration,
  type ResourceType,
  type Secret,
  secrets,
  services,
} from "#api";
import { ignoreNotFound, type KubeClient } from "#kube";
import { type EntrypointService, resolveEntrypoint } from "../entrypoint.ts";
import {
  type AuthorityPlaces,
  authorityNames,
  type ByAuthority,
  byAuthority,
} from "./authorities.ts";
import { type TunnelCertificate, wantedCertificates } from "./certificates.ts";

/** A certificate that is wanted, and the Secret that is there for it. */
export interface ObservedCertificate {
  readonly wanted: TunnelCertificate;
  readonly secret: Secret | undefined;
}

/** All that is known about the tunnel server of one configuration. */
export interface Snapshot {
  readonly configuration: ManagedProxyConfiguration;
  /** The Secrets of the authorities, whatever they hold. */
  readonly signers: ByAuthority<Secret | undefined>;
  readonly certificates: readonly ObservedCertificate[];
  readonly deployment: Deployment | undefined;
  /** False while a load balancer is asked for and has no address. */
  readonly hasEntrypoint: boolean;
}

/** Reads all that a plan needs. The Secrets' names are the configuration's, so they are asked for. */
export async function gather(
  client: KubeClient,
  places: AuthorityPlaces,
  configuration: ManagedProxyConfiguration,
  signal: AbortSignal,
): Promise<Snapshot> {
  const { spec } = configuration;
  const { namespace, entrypoint } = spec.proxyServer;
  const isBalanced = entrypoint.type === "LoadBalancerService";
  const serviceKey = { namespace, name: entrypoint.loadBalancerService.name };
  const service = isBalanced
    ? await ignoreNotFound(
        client.get<EntrypointService>(
          services as ResourceType<EntrypointService>,
          serviceKey,
          signal,
        ),
      )
    : undefined;
  const resolved = resolveEntrypoint(spec, service);
  const wanted = wantedCertificates(spec, isBalanced ? resolved?.host : undefined);
  const [deployment, signers, ...found] = await Promise.all([
    ignoreNotFound(
      client.get(deployments, { namespace, name: configuration.metadata.name }, signal),
    ),
    Promise.all(
      authorityNames.map((name) => ignoreNotFound(client.get(secrets, places[name], signal))),
    ),
    ...wanted.map(({ secretName }) =>
      ignoreNotFound(client.get(secrets, { namespace, name: secretName }, signal)),
    ),
  ]);
  return {
    configuration,
    signers: byAuthority((name) => signers[authorityNames.indexOf(name)]),
    deployment,
    certificates: wanted.map((wantedOne, index) => ({ wanted: wantedOne, secret: found[index] })),
    hasEntrypoint: resolved !== undefined,
  };
}
