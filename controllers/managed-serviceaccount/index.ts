import {
  addonNames,
  type ManagedServiceAccount,
  managedServiceAccounts,
  type PermissionPolicy,
  type Secret,
  secrets,
} from "#api";
import { createObjectCache } from "#kube";
import {
  type AddonPart,
  type ControllerDeps,
  createAddon,
  createDelegatedAddon,
  type DelegatedPart,
  type Part,
} from "../addon/addon.ts";
import { agentRoleName, managedServiceAccountDefinition } from "./definition.ts";
import { createLeftovers, type DeployMode } from "./leftovers/leftovers.ts";
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
}

/** The managed-serviceaccount addon: the agents that make tokens, and what accounts are on the hub. */
export function createManagedServiceAccount(
  deps: ControllerDeps,
  options: ManagedServiceAccountOptions,
): Part {
  const name = addonNames.managedServiceAccount;
  const addon =
    options.deployMode === "Deployment"
      ? createDelivery(deps, options)
      : createDelegatedAddon(deps, name);
  const accounts = createObjectCache<ManagedServiceAccount>(deps.client, managedServiceAccounts, {
    log: deps.log,
  });
  const { addons, addonOf } = addon.addonCaches;
  const mode = options.deployMode;
  const leftovers = createLeftovers(deps, {
    addon: name,
    role: agentRoleName,
    mode,
    addons,
    addonOf,
  });
  return {
    caches: [...addon.caches, accounts, ...leftovers.caches],
    controllers: [
      ...addon.controllers,
      ...leftovers.controllers,
      createRevocationController(deps, { accounts, addons }),
      createSetController(deps, accounts),
    ],
  };
}

/** We bring the agents to the clusters ourselves. */
function createDelivery(
  deps: ControllerDeps,
  { agentImagePullSecret: name, ...options }: ManagedServiceAccountOptions,
): AddonPart | DelegatedPart {
  const { client, namespace, log } = deps;
  if (name === "") return createAddon(deps, managedServiceAccountDefinition(options, undefined));
  const cache = createObjectCache<Secret>(client, secrets, {
    namespace,
    fieldSelector: `metadata.name=${name}`,
    log,
  });
  const pullSecret = { name, namespace, secrets: cache };
  const addon = createAddon(deps, managedServiceAccountDefinition(options, pullSecret));
  return { ...addon, caches: [...addon.caches, cache] };
}
