import { addonNames, type PermissionPolicy, type Secret, secrets } from "#api";
import { createObjectCache } from "#kube";
import {
  type ControllerDeps,
  createAddon,
  createDelegatedAddon,
  type DelegatedPart,
  type Part,
} from "../addon/addon.ts";
import { createClusterProfileController } from "./cluster-profile/cluster-profile-controller.ts";
import type { CredentialNamespaces } from "./cluster-profile/standing.ts";
import { agentRoleName, managedServiceAccountDefinition, type PullSecret } from "./definition.ts";
import { createLeftovers, type DeployMode } from "./leftovers/leftovers.ts";
import { createOutputController, type OutputOptions } from "./outputs/output-controller.ts";
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
  const addon = createDelivery(deps, options);
  const { addons, addonOf, clusters } = addon.addonCaches;
  const leftovers = createLeftovers(deps, {
    addon: addonNames.managedServiceAccount,
    role: agentRoleName,
    mode: options.deployMode,
    addons,
    addonOf,
  });
  const { clusterProfileNamespaces: namespaces } = options;
  const outputs = createOutputController(deps, addon, options.outputs);
  const { known, gateway } = outputs;
  return {
    caches: [...addon.caches, ...outputs.caches, ...leftovers.caches],
    controllers: [
      ...addon.controllers,
      ...outputs.controllers,
      ...leftovers.controllers,
      createRevocationController(deps, { accounts: known.accounts, addons }),
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
): DelegatedPart {
  if (options.deployMode === "AddOnTemplate") {
    return createDelegatedAddon(deps, addonNames.managedServiceAccount);
  }
  const pullSecret = pullSecretOf(deps, options.agentImagePullSecret);
  const addon = createAddon(deps, managedServiceAccountDefinition(options, pullSecret));
  const caches = pullSecret === undefined ? [] : [pullSecret.secrets];
  return { ...addon, caches: [...addon.caches, ...caches] };
}

function pullSecretOf(
  { client, namespace, log }: ControllerDeps,
  name: string,
): PullSecret | undefined {
  if (name === "") return undefined;
  const fieldSelector = `metadata.name=${name}`;
  const cache = createObjectCache<Secret>(client, secrets, { namespace, fieldSelector, log });
  return { name, namespace, secrets: cache };
}
