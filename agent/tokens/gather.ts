import {
  type KubeObject,
  type ManagedServiceAccount,
  type ResourceType,
  type Secret,
  secrets,
  serviceAccounts,
  tokenReviews,
} from "#api";
import { type FreshView, ignoreNotFound, type KubeClient, keyOfObject } from "#kube";
import { needsFreshServiceAccount, needsReview } from "./plan.ts";
import type { ReviewMemory } from "./review-memory.ts";
import { type PlanSettings, type Snapshot, subjectOf, type Verdict } from "./snapshot.ts";
import { heldTokenOf } from "./token-secret.ts";

/** Where the facts about an account come from. */
export interface GatherPorts {
  readonly hub: KubeClient;
  readonly managed: KubeClient;
  /** Hub Secrets and ServiceAccounts that carry our label. */
  readonly secrets: Pick<FreshView<Secret>, "get">;
  readonly serviceAccounts: Pick<FreshView<KubeObject>, "get">;
  readonly reviews: ReviewMemory;
  readonly settings: PlanSettings;
  readonly now: () => number;
}

interface TokenReview extends KubeObject {
  readonly status?: {
    readonly authenticated?: boolean;
    readonly user?: { readonly username?: string };
  };
}

/**
 * Reads everything that the plan for one account looks at. Asks a server only for what the caches
 * cannot know: objects without our label, and whether a token that looks fine is accepted.
 */
export async function gather(
  ports: GatherPorts,
  account: ManagedServiceAccount,
  signal: AbortSignal,
): Promise<Snapshot> {
  // Before any token is asked for: without it a new token could not be delivered.
  const caBundle = await caBundleOf(ports.managed);
  const secret = await readSecret(ports, account, signal);
  const cached: Snapshot = {
    account,
    secret,
    token: heldTokenOf(secret),
    serviceAccount: ports.serviceAccounts.get(serviceAccountKey(ports, account)),
    caBundle,
    verdict: "unasked",
  };
  const snapshot = needsFreshServiceAccount(cached)
    ? { ...cached, serviceAccount: await readServiceAccount(ports, account, signal) }
    : cached;
  return { ...snapshot, verdict: await readVerdict(ports, snapshot, signal) };
}

async function caBundleOf({ access }: KubeClient): Promise<Buffer> {
  const bundle = await access.caBundle();
  if (bundle !== undefined) return bundle;
  throw new Error(`Cannot tell the certificate authority of ${access.server}: none is configured`);
}

async function readSecret(
  { hub, secrets: view }: GatherPorts,
  account: ManagedServiceAccount,
  signal: AbortSignal,
): Promise<Secret | undefined> {
  const { name, namespace } = account.metadata;
  const known = view.get(keyOfObject(account));
  return known ?? ignoreNotFound(hub.get(secrets, { name, namespace }, signal));
}

async function readServiceAccount(
  { managed, settings }: GatherPorts,
  { metadata }: ManagedServiceAccount,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  const key = { name: metadata.name, namespace: settings.agentNamespace };
  return ignoreNotFound(managed.get(serviceAccounts, key, signal));
}

async function readVerdict(
  ports: GatherPorts,
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<Verdict> {
  const { managed, reviews, settings, now } = ports;
  const { account, token } = snapshot;
  if (token === undefined || !needsReview(snapshot, settings, now())) return "unasked";
  const key = keyOfObject(account);
  if (reviews.isFresh(key, token.text, now())) return "accepted";
  const review: ResourceType<TokenReview> = tokenReviews;
  const request = { metadata: { name: "" }, spec: { token: token.text } };
  const { status } = await managed.create(review, request, signal);
  const isExpected = status?.user?.username === subjectOf(account, settings.agentNamespace);
  if (status?.authenticated !== true || !isExpected) return "rejected";
  reviews.remember(key, token.text, now());
  return "accepted";
}

function serviceAccountKey({ settings }: GatherPorts, { metadata }: KubeObject): string {
  return `${settings.agentNamespace}/${metadata.name}`;
}
