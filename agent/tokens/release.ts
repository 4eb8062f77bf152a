import {
  type KubeObject,
  type ManagedServiceAccount,
  type ResourceType,
  serviceAccounts,
} from "#api";
import { type FreshView, ignoreNotFound, type KubeClient, resourcePath } from "#kube";
import type { Logger } from "#runtime";
import { isManaged } from "./refusal.ts";

export interface ReleasePorts {
  readonly hub: KubeClient;
  readonly managed: KubeClient;
  readonly accountType: ResourceType<ManagedServiceAccount>;
  readonly serviceAccounts: Pick<FreshView<KubeObject>, "get">;
  readonly agentNamespace: string;
  readonly log: Logger;
}

/**
 * Deletes the ServiceAccount of an account that is gone, if we made it; its tokens end with it. The
 * hub Secret goes by its owner reference. The hub is asked once more, because an account that the
 * cache could not read, or has yet to hear of, is not gone.
 */
export async function releaseServiceAccount(
  { hub, managed, accountType, serviceAccounts: view, agentNamespace, log }: ReleasePorts,
  key: string,
  signal: AbortSignal,
): Promise<void> {
  const [namespace = "", name = ""] = key.split("/");
  const serviceAccount = view.get(`${agentNamespace}/${name}`);
  if (serviceAccount === undefined || !isManaged(serviceAccount)) return;
  const path = resourcePath(accountType, { namespace, name });
  if ((await ignoreNotFound(hub.rawJson(path, signal))) !== undefined) return;
  const { uid } = serviceAccount.metadata;
  const target = { namespace: agentNamespace, name };
  await ignoreNotFound(managed.delete(serviceAccounts, target, signal, { uid }));
  log.info("ServiceAccount of an account that is gone deleted", { account: key });
}
