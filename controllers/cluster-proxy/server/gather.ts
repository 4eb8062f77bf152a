import {
  type AuthoritySigner,
  certManagerCertificates,
  type Deployment,
  deployments,
  type KubeObject,
  type ManagedProxyConfiguration,
  managedProxyConfiguration,
  managedProxyConfigurations,
  type ResourceType,
  type Secret,
  secrets,
  services,
} from "#api";
import { ignoreNotFound, isServed, type KubeClient, type ObjectKey } from "#kube";
import type { Desired } from "../../installation/action.ts";
import { type EntrypointService, resolveEntrypoint } from "../entrypoint.ts";
import {
  type AuthorityName,
  type AuthorityPlaces,
  authorityNames,
  type ByAuthority,
  byAuthority,
} from "./authorities.ts";
import { type TunnelCertificate, wantedCertificates } from "./certificates.ts";
import { gatherConditional } from "./obsolete.ts";
import { type FoundSources, sourcePlaces } from "./sources.ts";

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
  /** Where the authorities come from; undefined where we make them. */
  readonly sources: FoundSources | undefined;
  /** Objects of ours that not every configuration asks for. */
  readonly conditional: readonly Desired[];
  /** Whether agents of this or another configuration come in by a port-forward. */
  readonly isForwarded: boolean;
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
  const find = async (key: ObjectKey) => ignoreNotFound(client.get(secrets, key, signal));
  const [deployment, sources, signers, conditional, isForwarded, found] = await Promise.all([
    ignoreNotFound(
      client.get(deployments, { namespace, name: configuration.metadata.name }, signal),
    ),
    gatherSources(client, spec.authentication.signer, places, signal),
    gatherEach((name) => find(places[name])),
    gatherConditional(client, configuration, signal),
    hasForwarding(client, signal),
    Promise.all(wanted.map(async ({ secretName }) => find({ namespace, name: secretName }))),
  ]);
  return {
    configuration,
    signers,
    sources,
    deployment,
    conditional,
    isForwarded,
    certificates: wanted.map((wantedOne, index) => ({ wanted: wantedOne, secret: found[index] })),
    hasEntrypoint: resolved !== undefined,
  };
}

/** Agents may be told another configuration than the one that the tunnel server is run by. */
async function hasForwarding(client: KubeClient, signal: AbortSignal): Promise<boolean> {
  const { parse: _checked, ...type } = managedProxyConfigurations;
  const { items } = await client.list<KubeObject>(type, {}, signal);
  return items.some((item) => {
    const parsed = managedProxyConfiguration.safeParse(item);
    return parsed.success && parsed.data.spec.proxyServer.entrypoint.type === "PortForward";
  });
}

async function gatherSources(
  client: KubeClient,
  signer: AuthoritySigner,
  places: AuthorityPlaces,
  signal: AbortSignal,
): Promise<FoundSources | undefined> {
  const where = sourcePlaces(signer, places);
  if (where === undefined) return undefined;
  const isManaged = signer.type === "CertManager";
  const isServedByHub = !isManaged || (await isServed(client, certManagerCertificates, signal));
  const read = async <T extends KubeObject>(type: ResourceType<T>, key: ObjectKey) =>
    ignoreNotFound(client.get(type, key, signal));
  return {
    isServed: isServedByHub,
    secrets: await gatherEach(async (name) => read(secrets, where[name])),
    certificates: await gatherEach(async (name) =>
      isManaged && isServedByHub ? read(certManagerCertificates, where[name]) : undefined,
    ),
  };
}

async function gatherEach<T>(read: (name: AuthorityName) => Promise<T>): Promise<ByAuthority<T>> {
  const pending = byAuthority(read);
  const entries = authorityNames.map(async (name) => [name, await pending[name]] as const);
  return Object.fromEntries(await Promise.all(entries)) as ByAuthority<T>;
}
