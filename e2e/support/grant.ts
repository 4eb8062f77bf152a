import { kubectl, kubectlJson, managedKubeconfig } from "./hub.ts";

/** Gives the gateway's ServiceAccount all rights on managed1, as a managed cluster's admin would. */
export async function grantAllOnManaged(): Promise<void> {
  const addon = (await kubectlJson([
    "-n",
    "managed1",
    "get",
    "managedclusteraddon",
    "managed-serviceaccount",
  ])) as { readonly status: { readonly namespace: string } };
  const account = `--serviceaccount=${addon.status.namespace}:cluster-gateway`;
  const binding = ["clusterrolebinding", "e2e-gateway", "--clusterrole=cluster-admin", account];
  const options = { kubeconfig: managedKubeconfig };
  const yaml = await kubectl(["create", ...binding, "--dry-run=client", "-o", "yaml"], options);
  await kubectl(["apply", "-f", "-"], { ...options, input: yaml });
}

/** Takes those rights away again. */
export async function revokeAllOnManaged(): Promise<void> {
  await kubectl(["delete", "clusterrolebinding", "e2e-gateway", "--ignore-not-found"], {
    kubeconfig: managedKubeconfig,
  });
}
