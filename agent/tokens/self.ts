import type { KubeObject, ResourceType } from "#api";
import { isApiError, type KubeClient } from "#kube";

interface SelfSubjectReview extends KubeObject {
  readonly status?: { readonly userInfo?: { readonly username?: string } };
}

const selfSubjectReviews: ResourceType<SelfSubjectReview> = {
  group: "authentication.k8s.io",
  version: "v1",
  plural: "selfsubjectreviews",
  kind: "SelfSubjectReview",
  namespaced: false,
};

/**
 * Name of the ServiceAccount in `namespace` that the client acts as; undefined when it acts as
 * another user, or when the cluster is too old to say.
 */
export async function readOwnName(
  client: KubeClient,
  namespace: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const prefix = `system:serviceaccount:${namespace}:`;
  try {
    const review = await client.create(selfSubjectReviews, { metadata: { name: "" } }, signal);
    const username = review.status?.userInfo?.username ?? "";
    return username.startsWith(prefix) ? username.slice(prefix.length) : undefined;
  } catch (error) {
    if (isApiError(error, "not_found", "forbidden")) return undefined;
    throw error;
  }
}
