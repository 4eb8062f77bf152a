import { type PermissionPolicy, type Secret, secrets } from "#api";
import { createObjectCache } from "#kube";
import { type ControllerDeps, createAddon, type Part } from "../addon/addon.ts";
import type { AddonDefinition } from "../addon/definition.ts";
import { managedServiceAccountDefinition } from "./definition.ts";
import { createOutputController, type OutputOptions } from "./outputs/output-controller.ts";
import { createSetController } from "./set/set-controller.ts";

export interface ManagedServiceAccountOptions {
  /** Image of the agent. */
  readonly agentImage: string;
  /** Secret of our namespace with which agents pull it; empty for none. */
  readonly agentImagePullSecret: string;
  /** What accounts may be given; undefined when agents are to have no rights to give any. */
  readonly permissionPolicy: PermissionPolicy | undefined;
  /** What is made for accounts beside their tokens, and where. */
  readonly outputs: OutputOptions;
}

/** The managed-serviceaccount addon: the agents that make tokens on the managed clusters. */
export function createManagedServiceAccount(
  deps: ControllerDeps,
  { agentImagePullSecret: name, outputs, ...options }: ManagedServiceAccountOptions,
): Part {
  const { client, namespace, log } = deps;
  if (name === "") {
    return withRest(deps, managedServiceAccountDefinition(options, undefined), outputs);
  }
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
  const addon = withRest(deps, definition, outputs);
  return { ...addon, caches: [...addon.caches, cache] };
}

/** The addon, and what the hub does with accounts by itself. */
function withRest(deps: ControllerDeps, definition: AddonDefinition, options: OutputOptions): Part {
  const addon = createAddon(deps, definition);
  const outputs = createOutputController(deps, addon, options);
  const sets = createSetController(deps, outputs.accounts);
  return {
    caches: [...addon.caches, ...outputs.caches],
    controllers: [...addon.controllers, ...outputs.controllers, sets],
  };
}
