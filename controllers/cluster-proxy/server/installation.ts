import {
  type AuthoritySigner,
  certManagerCertificates,
  defaultManagedProxyConfigurationName,
  deployments,
  type ManagedProxyConfiguration,
  managedProxyConfigurations,
  podDisruptionBudgets,
  proxyConditionTypes,
  roleBindings,
  roles,
  secrets,
  serviceAccounts,
  services,
} from "#api";
import type { KubeClient } from "#kube";
import { authorityState, planRotation } from "../../installation/authority-rotation.ts";
import { certificateIn } from "../../installation/certificates.ts";
import type { Target } from "../../installation/following-trigger.ts";
import type { Installation, Upkeep } from "../../installation/installation.ts";
import { parseConfiguration } from "../configuration.ts";
import { proxyNames } from "../names.ts";
import { type AuthorityPlaces, authorityNames } from "./authorities.ts";
import { wantedCertificates } from "./certificates.ts";
import { type DesiredOptions, ownerOf } from "./desired.ts";
import { gather, type Snapshot } from "./gather.ts";
import { plan } from "./plan.ts";
import { judgeSources, sourcePlaces } from "./sources.ts";
import { conditionsAfter } from "./status.ts";

/** The tunnel server on the hub, as the ManagedProxyConfiguration asks for. */
export function tunnelInstallation(
  client: KubeClient,
  places: AuthorityPlaces,
  options: DesiredOptions,
): Installation<ManagedProxyConfiguration, Snapshot> {
  return {
    name: "tunnel-server",
    type: managedProxyConfigurations,
    configurationName: defaultManagedProxyConfigurationName,
    parse: parseConfiguration,
    ownerOf,
    targetsOf: (configuration) => targetsOf(configuration, places),
    gather: async (configuration, signal) => gather(client, places, configuration, signal),
    plan: (snapshot, now) => plan(snapshot, places, options, now),
    conditions: (snapshot, obstacle, now) => conditionsAfter(snapshot, places, obstacle, now),
    deployedType: proxyConditionTypes.deployed,
    upkeep: (snapshot, now) => upkeepOf(snapshot, places, options, now),
    adviceOnForbidden:
      "The chart gives rights to its own namespace, and there to the Secrets that its values signer, secretNames and additionalSecretNames name",
  };
}

/** All that is made, and all that it is made from: what somebody takes away comes back at once. */
function targetsOf(
  { metadata, spec }: ManagedProxyConfiguration,
  places: AuthorityPlaces,
): readonly Target[] {
  const { namespace, inClusterServiceName, entrypoint } = spec.proxyServer;
  const { frontendCaSecret, agentServerCaSecret, serviceAccount, serverRole, portForwardRole } =
    proxyNames;
  const secretNames = [
    frontendCaSecret,
    agentServerCaSecret,
    ...wantedCertificates(spec, undefined).map(({ secretName }) => secretName),
  ];
  const serviceNames = [
    inClusterServiceName,
    ...(entrypoint.type === "LoadBalancerService" ? [entrypoint.loadBalancerService.name] : []),
  ];
  const sources = sourcePlaces(spec.authentication.signer, places);
  const authorities = authorityNames.flatMap((name) => [
    places[name],
    ...(sources === undefined ? [] : [sources[name]]),
  ]);
  return [
    ...certManagerTargets(spec.authentication.signer, sources),
    ...authorities.map(({ namespace: where, name }) => ({ type: secrets, namespace: where, name })),
    ...secretNames.map((name) => ({ type: secrets, namespace, name })),
    ...serviceNames.map((name) => ({ type: services, namespace, name })),
    { type: serviceAccounts, namespace, name: serviceAccount },
    ...[serverRole, portForwardRole].flatMap((name) => [
      { type: roles, namespace, name },
      { type: roleBindings, namespace, name },
    ]),
    { type: deployments, namespace, name: metadata.name },
    { type: podDisruptionBudgets, namespace, name: metadata.name },
  ];
}

function certManagerTargets(
  { type }: AuthoritySigner,
  sources: ReturnType<typeof sourcePlaces>,
): readonly Target[] {
  if (type !== "CertManager" || sources === undefined) return [];
  return authorityNames.map((name) => ({ type: certManagerCertificates, ...sources[name] }));
}

/** How often is looked for an API that the hub does not serve yet. */
const servedCheckMs = 30_000;

function upkeepOf(
  snapshot: Snapshot,
  places: AuthorityPlaces,
  { authorityOverlapMs }: DesiredOptions,
  now: Date,
): Upkeep {
  const { certificates, signers, sources, configuration } = snapshot;
  const { signer } = configuration.spec.authentication;
  const judged = judgeSources(signer, places, sources, now);
  const authorities = authorityNames.map((name) => ({
    namespace: places[name].namespace,
    secretName: places[name].name,
    certificate: authorityState(signers[name])?.certificate,
  }));
  const leaves = certificates.map(({ wanted: { namespace, secretName }, secret }) => ({
    namespace,
    secretName,
    certificate: certificateIn(secret),
  }));
  const dueInMs = authorityNames.map((name) => {
    const secret = signers[name];
    const rotation = secret && planRotation(secret, judged[name].source, authorityOverlapMs, now);
    return rotation?.kind === "wait" ? rotation.untilMs : Number.POSITIVE_INFINITY;
  });
  return {
    certificates: [...authorities, ...leaves],
    dueInMs: [...dueInMs, ...(sources?.isServed === false ? [servedCheckMs] : [])],
  };
}
