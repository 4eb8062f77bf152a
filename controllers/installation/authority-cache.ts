import { type Secret, secrets } from "#api";
import { createObjectCache, type KubeClient, type ObjectCache } from "#kube";
import type { Authority } from "#pki";
import { describeError, type Logger } from "#runtime";
import { trustedPem } from "./authority-rotation.ts";
import { authorityOf } from "./tls-secret.ts";

/** The authority in one Secret, followed as it changes. */
export interface AuthorityCache {
  readonly secrets: ObjectCache<Secret>;
  /** The authority of this moment; undefined while there is none that can be used. */
  current(): Authority | undefined;
  /** All authorities that are to be trusted at this moment, PEM; empty while there is none. */
  trusted(): string;
}

export interface AuthorityCacheOptions {
  readonly namespace: string;
  readonly name: string;
  /** Whether what is found counts; asked each time. */
  readonly isUsable: (secret: Secret) => boolean;
}

/** Watches the one Secret, and parses it once for each of its states. */
export function createAuthorityCache(
  client: KubeClient,
  { namespace, name, isUsable }: AuthorityCacheOptions,
  log: Logger,
): AuthorityCache {
  const fieldSelector = `metadata.name=${name}`;
  const cache = createObjectCache<Secret>(client, secrets, { namespace, fieldSelector, log });
  let parsed: {
    readonly version?: string | undefined;
    readonly authority?: Authority | undefined;
  } = {};
  const parse = (secret: Secret): Authority | undefined => {
    try {
      return authorityOf(secret);
    } catch (error) {
      log.error("Cannot use authority", { namespace, secret: name, error: describeError(error) });
      return undefined;
    }
  };
  const find = (): Secret | undefined => {
    const secret = cache.get(`${namespace}/${name}`);
    return secret !== undefined && isUsable(secret) ? secret : undefined;
  };
  return {
    secrets: cache,
    trusted: () => trustedPem(find()),
    current() {
      const secret = find();
      if (secret === undefined) return undefined;
      const version = secret.metadata.resourceVersion;
      if (parsed.version !== version) parsed = { version, authority: parse(secret) };
      return parsed.authority;
    },
  };
}
