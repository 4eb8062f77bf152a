import {
  addonNames,
  clusterGatewayConfigurations,
  defaultAgentInstallNamespace,
  type KubeObject,
} from "#api";
import { type ObjectCache, onCacheChange } from "#kube";
import type { AddonDefinition, RenderInput, Rendering } from "../addon/definition.ts";
import { clusterOf } from "../addon/triggers.ts";
import { parseConfiguration } from "./configuration.ts";
import { impersonationRights } from "./impersonation-rights.ts";
import { managedRights } from "./managed-rights.ts";

/** What cluster-gateway is among OCM's addons. `accounts` are the managed-serviceaccount addons. */
export function clusterGatewayDefinition(accounts: ObjectCache<KubeObject>): AddonDefinition {
  return {
    name: addonNames.clusterGateway,
    configKind: clusterGatewayConfigurations,
    customSigners: [],
    installNamespace: { default: defaultAgentInstallNamespace, isChosenByAddon: true },
    healthMode: "Customized",
    render: (input) => render(accounts, input),
    triggers: [onCacheChange(accounts, clusterOf)],
  };
}

function render(accounts: ObjectCache<KubeObject>, { cluster, config }: RenderInput): Rendering {
  if (config === undefined) {
    return { kind: "waiting", message: "no ClusterGatewayConfiguration applies" };
  }
  const { secretManagement, identity } = parseConfiguration(config).spec;
  if (secretManagement.type === "Manual") return { kind: "manifests", manifests: [] };
  const addonName = addonNames.managedServiceAccount;
  const addon = accounts.get(`${cluster.metadata.name}/${addonName}`);
  const namespace = namespaceOf(addon);
  if (namespace === undefined) {
    return { kind: "waiting", message: `addon ${addonName} is not on this cluster yet` };
  }
  const account = { namespace, name: secretManagement.managedServiceAccount.name };
  const manifests = [
    ...managedRights(account),
    ...impersonationRights(identity, cluster.metadata.name, account),
  ];
  return { kind: "manifests", manifests };
}

/** Where the addon's agent is, and so the accounts that it makes. */
function namespaceOf(addon: KubeObject | undefined): string | undefined {
  const { status } = (addon ?? {}) as { readonly status?: { readonly namespace?: string } };
  return status?.namespace === "" ? undefined : status?.namespace;
}
