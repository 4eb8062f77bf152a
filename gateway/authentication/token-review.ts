import { hash } from "node:crypto";
import { parseTokenReviewStatus, tokenReviews } from "#api";
import type { KubeClient } from "#kube";
import { createExpiringCache } from "#runtime";
import type { User } from "./user.ts";

/** Asks the hub whose token it is; `undefined` when it is nobody's. Throws an `ApiError`. */
export type ReviewToken = (token: string) => Promise<User | undefined>;

const timeoutMs = 10_000;

/** Reviews tokens with the hub's TokenReview API. An answer counts for ten seconds by default. */
export function createTokenReview(client: Pick<KubeClient, "create">, ttlMs = 10_000): ReviewToken {
  const cache = createExpiringCache<{ readonly user: User | undefined }>({
    ttlMs: () => ttlMs,
    maxEntries: 4096,
  });
  return async (token) => {
    // The cache must not hold tokens.
    const key = hash("sha256", token, "base64");
    return (await cache.get(key, async () => ({ user: await review(client, token) }))).user;
  };
}

async function review(
  client: Pick<KubeClient, "create">,
  token: string,
): Promise<User | undefined> {
  const request = { metadata: { name: "" }, spec: { token } };
  const reviewed = await client.create(tokenReviews, request, AbortSignal.timeout(timeoutMs));
  const { authenticated, user } = parseTokenReviewStatus(reviewed);
  if (!authenticated || user === undefined || user.username === "") return undefined;
  const { username: name, groups, extra, uid } = user;
  return { name, groups, extra, ...(uid === undefined ? {} : { uid }) };
}
