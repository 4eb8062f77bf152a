import * as z from "zod";
import { subjectAccessReviews } from "#api";
import type { KubeClient } from "#kube";
import { createExpiringCache, type ExpiringCache } from "#runtime";
import { GatewayError } from "../answers/gateway-error.ts";
import { mastersGroup, type User } from "../authentication/user.ts";
import type { Attributes } from "./attributes.ts";

/** Lets pass who may, and throws a GatewayError `forbidden` or `hub_unavailable` for others. */
export type Authorize = (user: User, attributes: Attributes) => Promise<void> | undefined;

interface Decision {
  readonly isAllowed: boolean;
  readonly reason: string;
}

const answer = z.looseObject({
  status: z
    .looseObject({
      allowed: z.boolean().default(false),
      reason: z.string().default(""),
      evaluationError: z.string().default(""),
    })
    .prefault({}),
});

/** How long decisions count. */
export interface DecisionTtls {
  /** Defaults to 10 seconds, as in aggregated API servers. */
  readonly allowedTtlMs?: number;
  /** Defaults to 10 seconds. */
  readonly deniedTtlMs?: number;
}

const timeoutMs = 10_000;

/**
 * Asks the hub with SubjectAccessReviews. A decision counts for a while, and requests that come
 * together ask once. `undefined` means yes at once, so that the usual request does not wait.
 */
export function createAuthorize(
  client: Pick<KubeClient, "create">,
  { allowedTtlMs = 10_000, deniedTtlMs = 10_000 }: DecisionTtls = {},
): Authorize {
  const cache = createExpiringCache<Decision>({
    ttlMs: ({ isAllowed }) => (isAllowed ? allowedTtlMs : deniedTtlMs),
    maxEntries: 8192,
  });
  return (user, attributes) => {
    if (user.groups.includes(mastersGroup)) return undefined;
    const key = JSON.stringify([user, attributes]);
    if (cache.peek(key)?.isAllowed === true) return undefined;
    return decide(client, cache, key, user, attributes);
  };
}

async function decide(
  client: Pick<KubeClient, "create">,
  cache: ExpiringCache<Decision>,
  key: string,
  user: User,
  attributes: Attributes,
): Promise<void> {
  const decision = await cache.get(key, () => review(client, user, attributes));
  if (decision.isAllowed) return;
  const because = decision.reason === "" ? "" : `: ${decision.reason}`;
  const message = `${describe(attributes)} is forbidden: User "${user.name}" cannot ${wish(attributes)}${because}`;
  const details =
    attributes.kind === "resource"
      ? { name: attributes.name, resource: attributes.resource }
      : undefined;
  throw new GatewayError("forbidden", message, details === undefined ? {} : { details });
}

async function review(
  client: Pick<KubeClient, "create">,
  user: User,
  attributes: Attributes,
): Promise<Decision> {
  const spec = {
    user: user.name,
    groups: user.groups,
    extra: user.extra,
    ...(user.uid === undefined ? {} : { uid: user.uid }),
    ...attributesOf(attributes),
  };
  try {
    const request = { metadata: { name: "" }, spec };
    const signal = AbortSignal.timeout(timeoutMs);
    const { status } = answer.parse(await client.create(subjectAccessReviews, request, signal));
    return { isAllowed: status.allowed, reason: status.reason };
  } catch (cause) {
    const message = "Cannot authorize request: the hub's API does not answer";
    throw new GatewayError("hub_unavailable", message, { cause });
  }
}

function attributesOf(attributes: Attributes): Readonly<Record<string, unknown>> {
  if (attributes.kind === "path") {
    const { path, verb } = attributes;
    return { nonResourceAttributes: { path, verb } };
  }
  const { kind: _kind, ...resourceAttributes } = attributes;
  return { resourceAttributes };
}

function describe(attributes: Attributes): string {
  if (attributes.kind === "path") return attributes.path;
  const { resource, group, name } = attributes;
  const what = group === "" ? resource : `${resource}.${group}`;
  return name === "" ? what : `${what} "${name}"`;
}

function wish(attributes: Attributes): string {
  if (attributes.kind === "path") return `${attributes.verb} path "${attributes.path}"`;
  const { verb, resource, subresource, group, namespace } = attributes;
  const what = subresource === "" ? resource : `${resource}/${subresource}`;
  const where =
    namespace === undefined ? "at the cluster scope" : `in the namespace "${namespace}"`;
  return `${verb} resource "${what}" in API group "${group}" ${where}`;
}
