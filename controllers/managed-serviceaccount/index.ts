import { type PermissionPolicy, type Secret, secrets } from "#api";
import { createObjectCache } from "#kube";
import { type ControllerDeps, createAddon, type Part } from "../addon/addon.ts";
import type { AddonDefinition } from "../addon/definition.ts";
import { managedServiceAccountDefinition } from "./definition.ts";
import { createSetController } from "./set/set-controller.ts";

export interface ManagedServiceAccountOptions {
  /** Image of the agent. */
  readonly agentImage: string;
  /** Secret of our namespace with which agents pull it; empty for none. */
  readonly agentImagePullSecret: string;
  /** What accounts may be given; undefined when agents are to have no rights to give any. */
  readonly permissionPolicy: PermissionPolicy | undefined;
}

/** The managed-serviceaccount addon: the agents that make tokens on the managed clusters. */
export function createManagedServiceAccount(
  deps: ControllerDeps,
  { agentImagePullSecret: name, ...options }: ManagedServiceAccountOptions,
): Part {
  const { client, namespace, log } = deps;
  if (name === "") return withSets(deps, managedServiceAccountDefinition(options, undefined));
  const cache = createObjectCache<Secret>(client, secrets, {
    namespace,
    fieldSelector: `metadata.name=${name}`,
    log,
  });
  const definition = managedServiceAccountDefinition(options, {
    name,
    namespace,
    secrets: cache,
  });
  const addon = withSets(deps, definition);
  return { ...addon, caches: [...addon.caches, cache] };
}

function withSets(deps: ControllerDeps, definition: AddonDefinition): Part {
  const addon = createAddon(deps, definition);
  return { ...addon, controllers: [...addon.controllers, createSetController(deps)] };
}
