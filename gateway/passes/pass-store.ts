import { hash } from "node:crypto";
import { type ConfigMap, gatewayPassKeys as keys } from "#api";
import type { CacheChange, ObjectCache } from "#kube";
import { type Exchange, headerValue } from "#proxy";

/** A token that the gateway sends on to the one cluster that issued it. */
export interface Pass {
  /** `<namespace>/<name>` of the ManagedServiceAccount whose token it is. */
  readonly account: string;
  /** Never logged, never part of an answer. */
  readonly token: string;
}

/** Which tokens of managed clusters may go through. Nothing but a pass on the hub says so. */
export interface PassStore {
  /** The pass that came with a request for a cluster; undefined for every other credential. */
  find(exchange: Pick<Exchange, "headers">, cluster: string): Pass | undefined;
}

/** One token of an account, known by its digest alone. */
interface Admission {
  readonly account: string;
  readonly expiresAtMs: number;
}

type Admissions = ReadonlyMap<string, Admission>;

/** What one ConfigMap says. */
interface Listing {
  readonly cluster: string;
  readonly admissions: Admissions;
}

/** Follows the ConfigMaps of a cache. What cannot be read admits nothing. */
export function createPassStore(
  cache: Pick<ObjectCache<ConfigMap>, "onChange">,
  now: () => number = Date.now,
): PassStore {
  const listings = new Map<string, Listing>();
  const byCluster = new Map<string, Admissions>();
  cache.onChange(({ key, after }: CacheChange<ConfigMap>) => {
    const affected = [listings.get(key)?.cluster];
    if (after === undefined) listings.delete(key);
    else {
      const listing = listingOf(after);
      listings.set(key, listing);
      affected.push(listing.cluster);
    }
    for (const cluster of affected) {
      if (cluster !== undefined) byCluster.set(cluster, joined(listings, cluster));
    }
  });
  return {
    find(exchange, cluster) {
      const admissions = byCluster.get(cluster);
      if (admissions === undefined || admissions.size === 0) return undefined;
      const token = bearerOf(exchange);
      if (token === undefined) return undefined;
      const found = admissions.get(hash("sha256", token, "hex"));
      if (found === undefined || found.expiresAtMs <= now()) return undefined;
      return { account: found.account, token };
    },
  };
}

function joined(listings: ReadonlyMap<string, Listing>, cluster: string): Admissions {
  const all = new Map<string, Admission>();
  for (const listing of listings.values()) {
    if (listing.cluster !== cluster) continue;
    for (const [digest, admission] of listing.admissions) all.set(digest, admission);
  }
  return all;
}

function listingOf({ data = {} }: ConfigMap): Listing {
  const { [keys.cluster]: cluster = "", [keys.account]: account = "", [keys.tokens]: lines } = data;
  const admissions = (lines ?? "").split("\n").flatMap((line) => {
    const [, digest, expiry] = /^([0-9a-f]{64}) (\S+)$/.exec(line) ?? [];
    const expiresAtMs = Date.parse(expiry ?? "");
    if (digest === undefined || Number.isNaN(expiresAtMs)) return [];
    return [[digest, { account, expiresAtMs }] as const];
  });
  return { cluster, admissions: new Map(admissions) };
}

function bearerOf({ headers }: Pick<Exchange, "headers">): string | undefined {
  const authorization = headerValue(headers, "authorization") ?? "";
  return /^bearer +([\x21-\x7e]+)$/i.exec(authorization)?.[1];
}
