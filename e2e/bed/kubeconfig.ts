import { readFile, writeFile } from "node:fs/promises";
import { stringify } from "yaml";
import { type ClusterPlan, certificatePath, keyPath } from "./cluster-plan.ts";

/** How a kubeconfig's user proves who it is. */
export type Credential =
  | { readonly kind: "certificate"; readonly certificate: Buffer; readonly key: Buffer }
  | { readonly kind: "token"; readonly token: string };

/** A kubeconfig with one cluster, one user and one context, all of the same name. */
export function kubeconfig(
  name: string,
  server: string,
  authority: Buffer,
  credential: Credential,
): string {
  const base64 = (bytes: Buffer): string => bytes.toString("base64");
  const user =
    credential.kind === "token"
      ? { token: credential.token }
      : {
          "client-certificate-data": base64(credential.certificate),
          "client-key-data": base64(credential.key),
        };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": name,
    contexts: [{ name, context: { cluster: name, user: name } }],
    clusters: [{ name, cluster: { server, "certificate-authority-data": base64(authority) } }],
    users: [{ name, user }],
  };
  return stringify(config, { lineWidth: 0 });
}

/** Writes the kubeconfig of an identity that has a certificate in the cluster's own directory. */
export async function writeKubeconfig(
  plan: ClusterPlan,
  path: string,
  server: string,
  certificateName: string,
): Promise<void> {
  const [authority, certificate, key] = await Promise.all([
    readFile(certificatePath(plan, "ca")),
    readFile(certificatePath(plan, certificateName)),
    readFile(keyPath(plan, certificateName)),
  ]);
  const credential: Credential = { kind: "certificate", certificate, key };
  await writeFile(path, kubeconfig(plan.name, server, authority, credential), { mode: 0o600 });
}
