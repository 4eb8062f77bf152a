import { createLocalJWKSet, errors, type JWTHeaderParameters, type JWTVerifyGetKey } from "jose";
import * as z from "zod";
import { GatewayError } from "../../answers/gateway-error.ts";

/** The way to an issuer's documents. Throws an Error that says what went wrong. */
export type FetchDocument = (url: URL) => Promise<unknown>;

export interface IssuerKeysOptions {
  readonly issuerUrl: string;
  readonly fetchDocument: FetchDocument;
  readonly now?: () => number;
}

const discovery = z.looseObject({ issuer: z.string(), jwks_uri: z.string() });
const keySet = z.looseObject({
  keys: z.array(z.looseObject({ kty: z.string().optional(), kid: z.string().optional() })),
});

/** After this, keys are looked up again beside the request that notices. */
const freshMs = 10 * 60_000;
/** After this, no key counts any more that was not looked up again. */
const usableMs = 60 * 60_000;
/** A token with an unknown key does not make us ask more often than this. */
const cooldownMs = 30_000;

/**
 * The keys of an issuer, found by OpenID Connect discovery and looked up again as they change: each
 * ten minutes, and when a token names a key that is not known. While the issuer does not answer, the
 * keys that are known count for an hour.
 *
 * What it returns throws what jose throws for a token without a key that counts, and a GatewayError
 * `hub_unavailable` when there are no keys to look at.
 */
export function createIssuerKeys(options: IssuerKeysOptions): JWTVerifyGetKey {
  const keys = new IssuerKeys(options);
  return async (header, token) => {
    // Without it, every key of the issuer would be tried on whatever a stranger sends.
    if (header.kid === undefined) throw new errors.JWKSNoMatchingKey("the token names no key");
    return keys.find(header, token);
  };
}

type KeySet = ReturnType<typeof createLocalJWKSet>;
type Token = Parameters<JWTVerifyGetKey>[1];

class IssuerKeys {
  readonly #options: IssuerKeysOptions;
  readonly #now: () => number;
  #known: { readonly keys: KeySet; readonly atMs: number } | undefined;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #pending: Promise<KeySet> | undefined;

  constructor(options: IssuerKeysOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  async find(header: JWTHeaderParameters, token: Token) {
    const keys = await this.#current();
    try {
      return await keys(header, token);
    } catch (error) {
      const isUnknown = error instanceof errors.JWKSNoMatchingKey;
      if (!isUnknown || this.#now() - this.#triedAtMs < cooldownMs) throw error;
      return (await this.#refresh())(header, token);
    }
  }

  async #current(): Promise<KeySet> {
    const known = this.#known;
    const ageMs = known === undefined ? usableMs : this.#now() - known.atMs;
    if (known === undefined || ageMs >= usableMs) return this.#refresh();
    // Whoever asks now need not wait, and need not hear of a failure.
    const isDue = ageMs >= freshMs && this.#now() - this.#triedAtMs >= cooldownMs;
    if (isDue) this.#refresh().catch(() => undefined);
    return known.keys;
  }

  async #refresh(): Promise<KeySet> {
    this.#pending ??= this.#fetch().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  async #fetch(): Promise<KeySet> {
    this.#triedAtMs = this.#now();
    const { issuerUrl, fetchDocument } = this.#options;
    try {
      const well = new URL(`${issuerUrl.replace(/\/$/, "")}/.well-known/openid-configuration`);
      const { issuer, jwks_uri: uri } = discovery.parse(await fetchDocument(well));
      if (issuer !== issuerUrl) throw new Error(`it calls itself ${issuer}`);
      const url = new URL(uri);
      if (url.protocol !== "https:") throw new Error("its keys are not behind https");
      const keys = createLocalJWKSet(keySet.parse(await fetchDocument(url)) as never);
      this.#known = { keys, atMs: this.#now() };
      return keys;
    } catch (cause) {
      const message = `Cannot authenticate: issuer ${issuerUrl} does not give its keys`;
      throw new GatewayError("hub_unavailable", message, { cause });
    }
  }
}
