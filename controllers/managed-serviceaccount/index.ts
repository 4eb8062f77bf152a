import { addonNames, type PermissionPolicy } from "#api";
import {
  type ControllerDeps,
  createAddon,
  createDelegatedAddon,
  type DelegatedPart,
  type Part,
} from "../addon/addon.ts";
import { createClusterProfileController } from "./cluster-profile/cluster-profile-controller.ts";
import type { CredentialNamespaces } from "./cluster-profile/standing.ts";
import { agentRoleName, managedServiceAccountDefinition } from "./definition.ts";
import { createLeftovers, type DeployMode } from "./leftovers/leftovers.ts";
import { createOutputController, type OutputOptions } from "./outputs/output-controller.ts";
import { openPullSecret, type PullSecret } from "./pull-secret/pull-secret.ts";
import { createPullWork } from "./pull-secret/pull-work-controller.ts";
import { createRevocationController } from "./revocation/revocation-controller.ts";
import { createSetController } from "./set/set-controller.ts";

export type { DeployMode } from "./leftovers/leftovers.ts";

export interface ManagedServiceAccountOptions {
  /** Who brings the agents to the clusters. The rest is the same. */
  readonly deployMode: DeployMode;
  /** Image of the agent. */
  readonly agentImage: string;
  /** Secret of our namespace with which agents pull it; empty for none. */
  readonly agentImagePullSecret: string;
  /** What accounts may be given; undefined when agents are to have no rights to give any. */
  readonly permissionPolicy: PermissionPolicy | undefined;
  /** Whether agents delete accounts at the end of their `spec.ttlSecondsAfterCreation`. */
  readonly endsEphemeral: boolean;
  /** Namespaces whose ClusterProfiles get tokens; undefined to leave ClusterProfiles alone. */
  readonly clusterProfileNamespaces: CredentialNamespaces | undefined;
  /** What is made for accounts beside their tokens, and where. */
  readonly outputs: OutputOptions;
}

/** The managed-serviceaccount addon: the agents that make tokens, and what accounts are on the hub. */
export function createManagedServiceAccount(
  deps: ControllerDeps,
  options: ManagedServiceAccountOptions,
): Part {
  const pullSecret = openPullSecret(deps, options.agentImagePullSecret);
  const isByOcm = options.deployMode === "AddOnTemplate";
  const addon = createDelivery(deps, options, pullSecret);
  const { addons, addonOf, clusters } = addon.addonCaches;
  const leftovers = createLeftovers(deps, {
    addon: addonNames.managedServiceAccount,
    role: agentRoleName,
    mode: options.deployMode,
    addons,
    addonOf,
  });
  const pullWork = createPullWork(deps, {
    pullSecret: isByOcm ? pullSecret : undefined,
    addons,
    addonOf,
  });
  const { clusterProfileNamespaces: namespaces } = options;
  const outputs = createOutputController(deps, addon, options.outputs);
  const { known, gateway } = outputs;
  return {
    caches: [...addon.caches, ...outputs.caches, ...leftovers.caches, ...pullWork.caches],
    controllers: [
      ...addon.controllers,
      ...outputs.controllers,
      ...leftovers.controllers,
      ...pullWork.controllers,
      createRevocationController(deps, { ...known, addons }),
      createSetController(deps, known.accounts),
      ...(namespaces === undefined
        ? []
        : [
            createClusterProfileController(deps, {
              namespaces,
              clusters,
              addons,
              ...known,
              gateway,
            }),
          ]),
    ],
  };
}

function createDelivery(
  deps: ControllerDeps,
  options: ManagedServiceAccountOptions,
  pullSecret: PullSecret | undefined,
): DelegatedPart {
  if (options.deployMode === "AddOnTemplate") {
    return createDelegatedAddon(deps, addonNames.managedServiceAccount);
  }
  const addon = createAddon(deps, managedServiceAccountDefinition(options, pullSecret));
  const caches = pullSecret === undefined ? [] : [pullSecret.secrets];
  return { ...addon, caches: [...addon.caches, ...caches] };
}
