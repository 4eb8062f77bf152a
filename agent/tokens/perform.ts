import * as z from "zod";
import {
  type KubeObject,
  type ManagedServiceAccount,
  type ManagedServiceAccountStatus,
  managedServiceAccountLabels,
  type ResourceType,
  readTokenClaims,
  type Secret,
  secrets,
  serviceAccounts,
} from "#api";
import { type FreshView, isApiError, type KubeClient } from "#kube";
import type { Anchors } from "./anchors.ts";
import { type Snapshot, subjectOf } from "./snapshot.ts";
import { isSameStatus } from "./status.ts";
import { tokenSecretFor } from "./token-secret.ts";

/** Where the actions go, and who is told of what they wrote. */
export interface PerformPorts {
  readonly hub: KubeClient;
  readonly managed: KubeClient;
  readonly accountType: ResourceType<ManagedServiceAccount>;
  readonly accounts: Pick<FreshView<ManagedServiceAccount>, "wrote">;
  readonly secrets: Pick<FreshView<Secret>, "wrote">;
  readonly serviceAccounts: Pick<FreshView<KubeObject>, "wrote">;
  readonly agentNamespace: string;
  readonly anchors: Anchors;
}

/** What a TokenRequest was answered with. */
export interface GrantedToken {
  readonly text: string;
  readonly expiresAt: Date;
}

const tokenRequest = z.looseObject({
  status: z.looseObject({ token: z.string().min(1), expirationTimestamp: z.iso.datetime() }),
});

/** Creates the account's ServiceAccount, with our label; it goes when the agent goes. */
export async function createServiceAccount(
  ports: PerformPorts,
  { metadata }: ManagedServiceAccount,
  signal: AbortSignal,
): Promise<void> {
  const anchor = await ports.anchors.serviceAccount(signal);
  const serviceAccount = {
    metadata: {
      name: metadata.name,
      namespace: ports.agentNamespace,
      labels: { [managedServiceAccountLabels.managed]: "true" },
      ...(anchor === undefined ? {} : { ownerReferences: [anchor] }),
    },
  };
  ports.serviceAccounts.wrote(await ports.managed.create(serviceAccounts, serviceAccount, signal));
}

/** Makes a ServiceAccount of ours go when the agent goes. Earlier versions made some that do not. */
export async function anchorServiceAccount(
  ports: PerformPorts,
  { metadata }: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  const anchor = await ports.anchors.serviceAccount(signal);
  if (anchor === undefined) return;
  const { name, namespace, resourceVersion, ownerReferences = [] } = metadata;
  const patch = { metadata: { resourceVersion, ownerReferences: [...ownerReferences, anchor] } };
  const written = ports.managed.mergePatch(serviceAccounts, { name, namespace }, patch, signal);
  ports.serviceAccounts.wrote(await written);
}

/** Asks the managed cluster for a token. Earlier ones stay valid. */
export async function requestToken(
  { managed, agentNamespace }: PerformPorts,
  account: ManagedServiceAccount,
  validitySeconds: number,
  signal: AbortSignal,
): Promise<GrantedToken> {
  const { name } = account.metadata;
  const request = {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    metadata: { name, namespace: agentNamespace },
    spec: { expirationSeconds: validitySeconds },
  };
  const answer = await managed.create(serviceAccounts, request, signal, {
    subresource: "token",
    parent: { name, namespace: agentNamespace },
  });
  const { status } = tokenRequest.parse(answer);
  const subject = readTokenClaims(status.token)?.subject;
  const wanted = subjectOf(account, agentNamespace);
  if (subject !== wanted) {
    // Stored, it would be found unusable and asked for again, without end.
    throw new Error(`Cannot use the issued token: it is for ${subject ?? "nobody"}, not ${wanted}`);
  }
  return { text: status.token, expiresAt: new Date(status.expirationTimestamp) };
}

/** Writes the hub Secret with that token. Throws a conflict when another was faster. */
export async function writeSecret(
  ports: PerformPorts,
  { account, secret, caBundle }: Snapshot,
  token: string,
  signal: AbortSignal,
): Promise<void> {
  const desired = tokenSecretFor(account, secret, { token, caBundle });
  const written =
    secret === undefined
      ? await ports.hub.create(secrets, desired, signal)
      : await ports.hub.replace(secrets, desired, signal);
  ports.secrets.wrote(written);
}

/**
 * Writes the status that `compute` makes of the account, unless it is that already. When another
 * has written meanwhile, it is computed again from what is there now.
 */
export async function writeStatus(
  ports: PerformPorts,
  account: ManagedServiceAccount,
  compute: (account: ManagedServiceAccount) => ManagedServiceAccountStatus,
  signal: AbortSignal,
): Promise<void> {
  let current = account;
  for (let triesLeft = 3; ; triesLeft -= 1) {
    const status = compute(current);
    if (isSameStatus(status, current.status)) return;
    const { name, namespace, resourceVersion } = current.metadata;
    const key = { name, namespace };
    try {
      const patch = { metadata: { resourceVersion }, status };
      const options = { subresource: "status" };
      const written = ports.hub.mergePatch(ports.accountType, key, patch, signal, options);
      ports.accounts.wrote(await written);
      return;
    } catch (error) {
      if (!isApiError(error, "conflict") || triesLeft === 0) throw error;
      current = await ports.hub.get(ports.accountType, key, signal);
      if (current.metadata.uid !== account.metadata.uid) return;
    }
  }
}
