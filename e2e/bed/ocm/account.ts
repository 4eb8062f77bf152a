import { readFile, writeFile } from "node:fs/promises";
import { BedError } from "../bed-error.ts";
import type { ClusterHandle } from "../cluster-handle.ts";
import { certificatePath, kubeconfigPath, serverUrl } from "../cluster-plan.ts";
import { at } from "../conditions.ts";
import { kubeconfig } from "../kubeconfig.ts";

const tokenSeconds = 30 * 24 * 3600;

/**
 * Makes a service account and a kubeconfig with its own token, so that one of OCM's programs
 * has the rights that OCM gives it and no others. Returns the kubeconfig's path.
 */
export async function makeAccount(
  cluster: ClusterHandle,
  namespace: string,
  name: string,
): Promise<string> {
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  await cluster.api.create(accounts, { metadata: { name } });
  const answer = await cluster.api.create(`${accounts}/${name}/token`, {
    spec: { expirationSeconds: tokenSeconds },
  });
  const token = at(answer, "status", "token");
  if (typeof token !== "string") {
    throw new BedError("command", `The API server gave no token for ${namespace}/${name}`);
  }
  const path = kubeconfigPath(cluster.plan, name);
  const authority = await readFile(certificatePath(cluster.plan, "ca"));
  const credential = { kind: "token", token } as const;
  const text = kubeconfig(cluster.plan.name, serverUrl(cluster.plan), authority, credential);
  await writeFile(path, text, { mode: 0o600 });
  return path;
}
