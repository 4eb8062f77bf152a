import {
  type Deployment,
  deployments,
  type KubeObject,
  managedProxyConfigurations,
  type Secret,
  secrets,
  services,
} from "#api";
import {
  createController,
  createObjectCache,
  labelSelector,
  type ObjectCache,
  onCacheChange,
} from "#kube";
import { type ControllerDeps, createAddon, type Part } from "../addon/addon.ts";
import { onSpecChange } from "../addon/triggers.ts";
import { createAuthorityCache } from "../installation/authority-cache.ts";
import { clusterProxyDefinition } from "./definition.ts";
import { proxyNames, serverLabels } from "./names.ts";
import type { AuthorityPlaces } from "./server/authorities.ts";
import type { DesiredOptions } from "./server/desired.ts";
import { createServerReconciler } from "./server/reconciler.ts";

export interface ClusterProxyOptions extends DesiredOptions {
  readonly signer: { readonly namespace: string; readonly name: string };
  /** Namespace of agents when no configuration names one. */
  readonly installNamespace: string;
  /** Whether each cluster's API server is reached under the cluster's name. */
  readonly isKubeApiProxied: boolean;
}

/** Secrets of ours that are put right as soon as somebody changes them. */
const watchedSecrets = [
  "proxy-server",
  "agent-server",
  "proxy-client",
  proxyNames.frontendCaSecret,
  proxyNames.agentServerCaSecret,
  proxyNames.frontendSigner,
];

/** The agents' authority is the one that upstream has for all: agents that are there go on. */
function authorityPlaces(signer: ClusterProxyOptions["signer"]): AuthorityPlaces {
  const commonName = "open-cluster-management:cluster-proxy";
  const frontendSigner = { namespace: signer.namespace, name: proxyNames.frontendSigner };
  return {
    agents: { ...signer, commonName },
    frontends: { ...frontendSigner, commonName: `${commonName}:frontends` },
  };
}

/** The cluster-proxy addon: the tunnel server on the hub, and the agents that dial it. */
export function createClusterProxy(deps: ControllerDeps, options: ClusterProxyOptions): Part {
  const { client, namespace } = deps;
  const log = deps.log.with({ addon: "cluster-proxy" });
  const ofServer = { namespace, labelSelector: labelSelector(serverLabels), log };
  const authority = createAuthorityCache(client, options.signer, log);
  const serverServices = createObjectCache(client, services, ofServer);
  const serverDeployments = createObjectCache<Deployment>(client, deployments, ofServer);
  const { parse: _parsed, ...unparsed } = managedProxyConfigurations;
  const configurations = createObjectCache<KubeObject>(client, unparsed, { log });
  const certificates = watchedSecrets.map((name) =>
    createObjectCache<Secret>(client, secrets, {
      namespace,
      fieldSelector: `metadata.name=${name}`,
      log,
    }),
  );
  const every = (): readonly string[] => configurations.list().map(({ metadata }) => metadata.name);
  const watched: readonly ObjectCache<KubeObject>[] = [
    authority.secrets,
    serverServices,
    serverDeployments,
    ...certificates,
  ];
  const server = createController({
    log,
    reconciler: createServerReconciler({
      ...deps,
      log,
      configurations,
      fieldManager: "spokeway-cluster-proxy",
      places: authorityPlaces(options.signer),
      options,
    }),
    triggers: [
      onSpecChange(configurations),
      ...watched.map((cache) => onCacheChange(cache, every)),
    ],
    workers: 1,
  });
  const definition = clusterProxyDefinition(options, { authority, services: serverServices });
  const addon = createAddon(deps, definition);
  return {
    caches: [...addon.caches, configurations, ...watched],
    controllers: [...addon.controllers, server],
  };
}
