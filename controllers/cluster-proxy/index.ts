import {
  addonNames,
  configMaps,
  defaultManagedProxyConfigurationName,
  type KubeObject,
  managedProxyConfigurations,
  type Secret,
  services,
} from "#api";
import { createController, createObjectCache, labelSelector } from "#kube";
import type { Runnable } from "#runtime";
import { type ControllerDeps, createAddon, type Part } from "../addon/addon.ts";
import { onSpecChange } from "../addon/triggers.ts";
import { createAuthorityCache } from "../installation/authority-cache.ts";
import { createFollowingTrigger, type Target } from "../installation/following-trigger.ts";
import { createInstallationReconciler } from "../installation/installation-reconciler.ts";
import { isLeftover } from "../installation/leftover.ts";
import { type ClusterProxySources, clusterProxyDefinition } from "./definition.ts";
import { proxyNames, serverLabels } from "./names.ts";
import type { AuthorityPlaces } from "./server/authorities.ts";
import type { DesiredOptions } from "./server/desired.ts";
import { tunnelInstallation } from "./server/installation.ts";

export interface ClusterProxyOptions extends DesiredOptions {
  readonly signer: { readonly namespace: string; readonly name: string };
  /** Namespace of agents when no configuration names one. */
  readonly installNamespace: string;
  /** Whether each cluster's API server is reached under the cluster's name. */
  readonly isKubeApiProxied: boolean;
  /** Whether agents serve the user server. */
  readonly hasServiceProxy: boolean;
  /** Whether users of the hub act on clusters through it. */
  readonly isImpersonating: boolean;
  /** ConfigMap of our namespace that lists the Services that may be reached. */
  readonly exposedServicesConfigMap: string;
}

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
export function createClusterProxy(given: ControllerDeps, options: ClusterProxyOptions): Part {
  const deps = { ...given, log: given.log.with({ addon: addonNames.clusterProxy }) };
  const caches = openCaches(deps, options);
  const definition = clusterProxyDefinition(options, caches);
  const addon = createAddon(deps, definition);
  return {
    caches: [
      ...addon.caches,
      caches.configurations,
      caches.authority.secrets,
      caches.services,
      ...(caches.serviceProxy === undefined
        ? []
        : [caches.serviceProxy.authority.secrets, caches.serviceProxy.exposed]),
    ],
    controllers: [...addon.controllers, ...serverControllers(deps, options, caches)],
  };
}

type Caches = ClusterProxySources;

function openCaches(
  { client, namespace, log }: ControllerDeps,
  { signer, hasServiceProxy, exposedServicesConfigMap }: ClusterProxyOptions,
): Caches {
  const { parse: _checked, ...type } = managedProxyConfigurations;
  const configurations = createObjectCache<KubeObject>(client, type, { log });
  const isUsable = (secret: Secret): boolean => {
    const object = configurations.get(defaultManagedProxyConfigurationName);
    return object !== undefined && !isLeftover(secret, { type, object });
  };
  return {
    configurations,
    authority: createAuthorityCache(client, { ...signer, isUsable }, log),
    serviceProxy: hasServiceProxy
      ? {
          authority: createAuthorityCache(
            client,
            { ...authorityPlaces(signer).frontends, isUsable },
            log,
          ),
          exposed: createObjectCache(client, configMaps, {
            namespace,
            fieldSelector: `metadata.name=${exposedServicesConfigMap}`,
            log,
          }),
        }
      : undefined,
    // Load balancers, whose addresses agents are told.
    services: createObjectCache(client, services, {
      namespace,
      labelSelector: labelSelector(serverLabels),
      log,
    }),
  };
}

/** What keeps the tunnel server; its second part tells the first what has changed. */
export function serverControllers(
  deps: ControllerDeps,
  options: Pick<ClusterProxyOptions, "signer"> & DesiredOptions,
  { configurations }: Pick<Caches, "configurations">,
): readonly Runnable[] {
  const { client, log } = deps;
  const every = (): readonly string[] => configurations.list().map(({ metadata }) => metadata.name);
  const follows = createFollowingTrigger(client, "tunnel-objects", every, log);
  const ports = {
    ...deps,
    configurations,
    fieldManager: "spokeway-cluster-proxy",
    certificateEnd: deps.metrics.certificateEnd,
    follow: (targets: readonly Target[]) => follows.follow(targets),
  };
  const installation = tunnelInstallation(client, authorityPlaces(options.signer), options);
  const controller = createController({
    log,
    reconciler: createInstallationReconciler(ports, installation),
    triggers: [
      // All of them: what one tells agents may need rights that another gives.
      onSpecChange(configurations, every),
      follows,
    ],
    workers: 1,
  });
  return [follows, controller];
}
