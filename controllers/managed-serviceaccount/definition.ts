import {
  addonNames,
  defaultAgentInstallNamespace,
  type PermissionPolicy,
  policyForCluster,
} from "#api";
import { onCacheChange } from "#kube";
import type { AddonDefinition, RenderInput, Rendering } from "../addon/definition.ts";
import { httpsProxyCa } from "../addon/rendering/https-proxy.ts";
import {
  booleanVariable,
  labelsVariable,
  wholeNumberVariable,
} from "../addon/rendering/variables.ts";
import { defaultSubject } from "../addon/subject.ts";
import { agentManifests } from "./agent-manifests.ts";
import { missingPullSecret, type PullSecret, pullSecretData } from "./pull-secret/pull-secret.ts";

/** The Role that the agent has in its cluster's namespace on the hub, and its binding. */
export const agentRoleName = "managed-serviceaccount-addon-agent";

/** What all agents have in common. */
export interface AgentSettings {
  readonly agentImage: string;
  readonly permissionPolicy: PermissionPolicy | undefined;
  /** Whether agents delete accounts at the end of their `spec.ttlSecondsAfterCreation`. */
  readonly endsEphemeral: boolean;
}

/** What managed-serviceaccount is among OCM's addons. */
export function managedServiceAccountDefinition(
  settings: AgentSettings,
  pullSecret: PullSecret | undefined,
): AddonDefinition {
  const name = addonNames.managedServiceAccount;
  const { endsEphemeral } = settings;
  return {
    name,
    hubAccess: {
      subject: (cluster) => defaultSubject(name, "addon-agent", cluster),
      role: {
        name: agentRoleName,
        rules: [
          {
            apiGroups: [""],
            resources: ["secrets"],
            verbs: ["get", "list", "watch", "create", "update", "patch"],
          },
          {
            apiGroups: ["authentication.open-cluster-management.io"],
            resources: ["managedserviceaccounts"],
            verbs: ["get", "list", "watch", ...(endsEphemeral ? ["delete"] : [])],
          },
          {
            apiGroups: ["authentication.open-cluster-management.io"],
            resources: ["managedserviceaccounts/status"],
            verbs: ["get", "update", "patch"],
          },
          { apiGroups: [""], resources: ["events"], verbs: ["create", "patch"] },
        ],
      },
    },
    customSigners: [],
    installNamespace: { default: defaultAgentInstallNamespace, isChosenByAddon: true },
    healthMode: "Lease",
    render: (input) => render(settings, pullSecret, input),
    triggers: pullSecret === undefined ? [] : [onCacheChange(pullSecret.secrets, () => [""])],
  };
}

function render(
  { agentImage, permissionPolicy, endsEphemeral }: AgentSettings,
  pullSecret: PullSecret | undefined,
  { cluster, installNamespace: namespace, deploymentConfig }: RenderInput,
): Rendering {
  const pullData = pullSecret && pullSecretData(pullSecret);
  if (pullSecret !== undefined && pullData === undefined) {
    return { kind: "waiting", message: missingPullSecret(pullSecret) };
  }
  const clusterName = cluster.metadata.name;
  const labels = labelsVariable(deploymentConfig, "prometheusServiceMonitorLabels") ?? {};
  const isMonitored = booleanVariable(deploymentConfig, "prometheusEnabled") ?? false;
  const manifests = agentManifests({
    clusterName,
    namespace,
    image: agentImage,
    pullSecretData: pullData,
    httpsProxyCaPem: httpsProxyCa(deploymentConfig),
    policy: policyForCluster(permissionPolicy, clusterName),
    replicas: wholeNumberVariable(deploymentConfig, "replicas") ?? 1,
    monitorLabels: isMonitored ? labels : undefined,
    endsEphemeral,
  });
  return { kind: "manifests", manifests };
}
