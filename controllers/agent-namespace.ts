import { defaultAgentInstallNamespace, type Manifest, ocmAnnotations } from "#api";

/**
 * The namespace of an agent. Others may live in it, so it stays when the addon goes. OCM copies
 * pull secrets into those that carry its label.
 */
export function agentNamespace(name: string): Manifest {
  const isShared = name === defaultAgentInstallNamespace;
  const labels = { "addon.open-cluster-management.io/namespace": "true" };
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name,
      ...(isShared ? { labels } : {}),
      annotations: { [ocmAnnotations.deletionOrphan]: "" },
    },
  };
}
