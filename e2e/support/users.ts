import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { FullCluster } from "#bed";
import { makeCertificate } from "../bed/certificates.ts";
import { writeKubeconfig } from "../bed/kubeconfig.ts";

/**
 * The kubeconfig of somebody whom a cluster knows by his certificate. With a path, it leads there
 * behind the API server, such as through the gateway.
 */
export async function kubeconfigOf(
  { plan, api }: FullCluster,
  user: string,
  groups: readonly string[] = [],
  path = "",
): Promise<string> {
  const name = `e2e-${user.replaceAll(/[^a-z0-9-]/gu, "-")}`;
  await makeCertificate(plan, { name, authority: "ca", commonName: user, groups });
  const file = join(plan.directory, `${name}.kubeconfig`);
  await writeKubeconfig(plan, file, api.server + path, name);
  return file;
}

/** Writes a kubeconfig of which the test knows the text, where only its owner reads it. */
export async function keepKubeconfig(
  { plan }: FullCluster,
  name: string,
  text: string,
): Promise<string> {
  const file = join(plan.directory, `e2e-${name}.kubeconfig`);
  await writeFile(file, text, { mode: 0o600 });
  return file;
}
