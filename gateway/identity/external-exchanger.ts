import * as z from "zod";
import { clusterGatewayGroup, clusterGatewayVersion, faultsOfTarget, identityTarget } from "#api";
import { createExpiringCache } from "#runtime";
import { GatewayError } from "../answers/gateway-error.ts";
import type { User } from "../authentication/user.ts";
import { askJson } from "../https-json.ts";
import type { Mapping } from "./name-policy.ts";

/**
 * Asks somebody else as whom a user acts on a cluster. Throws a GatewayError `hub_unavailable` when
 * no answer comes that could be followed.
 */
export type ExchangeIdentity = (url: URL, user: User, cluster: string) => Promise<Mapping>;

export interface ExternalExchangerOptions {
  /** CAs of those who are asked, PEM; without any, the system's. */
  readonly ca: () => Buffer | undefined;
}

const answer = z.looseObject({ status: z.looseObject(identityTarget.shape).prefault({}) });

/** As long as answers of the hub count. */
const ttlMs = 10_000;

/**
 * Asks with POST of an `IdentityExchange`, whose spec has `cluster`, `user`, `uid`, `groups` and
 * `extra`; the answer's status has `user`, `groups` and `uid`, or no user to refuse. An answer
 * counts for ten seconds.
 */
export function createExternalExchanger({ ca }: ExternalExchangerOptions): ExchangeIdentity {
  const cache = createExpiringCache<Mapping>({ ttlMs: () => ttlMs, maxEntries: 4096 });
  return async (url, user, cluster) => {
    try {
      const key = JSON.stringify([url.href, user, cluster]);
      return await cache.get(key, async () => {
        const body = question(user, cluster);
        return mappingOf(answer.parse(await askJson(url, { ca: ca(), body })).status);
      });
    } catch (cause) {
      throw new GatewayError(
        "hub_unavailable",
        `Cannot act on cluster "${cluster}": ${url.host}, which says as whom, does not answer`,
        { cause },
      );
    }
  };
}

function question({ name: user, uid, groups, extra }: User, cluster: string): unknown {
  const apiVersion = `${clusterGatewayGroup}/${clusterGatewayVersion}`;
  return { apiVersion, kind: "IdentityExchange", spec: { cluster, user, uid, groups, extra } };
}

function mappingOf(target: z.infer<typeof identityTarget>): Mapping {
  const { user: name = "", groups = [], uid } = target;
  const [fault] = name === "" ? ["no user was named"] : faultsOfTarget(target);
  if (fault !== undefined) return { kind: "refused", why: fault };
  const user = { name, groups, extra: {} };
  return { kind: "user", user: uid === undefined ? user : { ...user, uid } };
}
