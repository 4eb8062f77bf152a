import { type KubeObject, managedServiceAccounts, secrets } from "#api";
import { ignoreNotFound, type KubeClient, type ObjectCache } from "#kube";
import { parseConfiguration } from "../configuration.ts";
import type { Snapshot } from "./snapshot.ts";

/** Reads all that a plan needs. `addons` are the cluster-gateway addons of all clusters. */
export async function gather(
  client: KubeClient,
  addons: ObjectCache<KubeObject>,
  configuration: KubeObject,
  cluster: string,
  signal: AbortSignal,
): Promise<Snapshot> {
  const { spec } = parseConfiguration(configuration);
  const { name } = spec.secretManagement.managedServiceAccount;
  const addon = addons.get(`${cluster}/cluster-gateway`);
  const secret = async (namespace: string, secretName: string) =>
    ignoreNotFound(client.get(secrets, { namespace, name: secretName }, signal));
  const [account, token, credential] = await Promise.all([
    ignoreNotFound(client.get(unparsed, { namespace: cluster, name }, signal)),
    secret(cluster, name),
    secret(spec.secretNamespace, cluster),
  ]);
  return {
    cluster,
    addon: addon?.metadata.deletionTimestamp === undefined ? addon : undefined,
    configuration,
    spec,
    account,
    token,
    credential,
  };
}

const { group, version, plural, kind, namespaced } = managedServiceAccounts;
/** Without a check: whether one is there is all that matters here. */
export const unparsed = { group, version, plural, kind, namespaced };
