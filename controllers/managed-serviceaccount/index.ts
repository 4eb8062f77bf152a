import { type PermissionPolicy, type Secret, secrets } from "#api";
import { createObjectCache } from "#kube";
import { type ControllerDeps, createAddon, type Part } from "../addon/addon.ts";
import { createClusterProfileController } from "./cluster-profile/cluster-profile-controller.ts";
import type { CredentialNamespaces } from "./cluster-profile/standing.ts";
import { managedServiceAccountDefinition, type PullSecret } from "./definition.ts";
import { createOutputController, type OutputOptions } from "./outputs/output-controller.ts";
import { createSetController } from "./set/set-controller.ts";

export interface ManagedServiceAccountOptions {
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

/** The managed-serviceaccount addon: the agents that make tokens on the managed clusters. */
export function createManagedServiceAccount(
  deps: ControllerDeps,
  options: ManagedServiceAccountOptions,
): Part {
  const pullSecret = pullSecretOf(deps, options.agentImagePullSecret);
  const addon = createAddon(deps, managedServiceAccountDefinition(options, pullSecret));
  const { clusterProfileNamespaces: namespaces } = options;
  const { clusters, addons } = addon.addonCaches;
  const outputs = createOutputController(deps, addon, options.outputs);
  const { known, gateway } = outputs;
  return {
    caches: [
      ...addon.caches,
      ...(pullSecret === undefined ? [] : [pullSecret.secrets]),
      ...outputs.caches,
    ],
    controllers: [
      ...addon.controllers,
      ...outputs.controllers,
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

function pullSecretOf(
  { client, namespace, log }: ControllerDeps,
  name: string,
): PullSecret | undefined {
  if (name === "") return undefined;
  const fieldSelector = `metadata.name=${name}`;
  const cache = createObjectCache<Secret>(client, secrets, { namespace, fieldSelector, log });
  return { name, namespace, secrets: cache };
}
