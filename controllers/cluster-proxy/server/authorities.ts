import type { Secret } from "#api";
import type { Authority } from "#pki";
import type { AuthorityPlace } from "../../installation/action.ts";
import { authorityOf } from "../../installation/tls-secret.ts";

/**
 * The authorities behind the tunnel, one for each side of its server: what the agents' one signs
 * opens no port for front ends.
 */
export const authorityNames = ["frontends", "agents"] as const;
export type AuthorityName = (typeof authorityNames)[number];

/** Something for each authority. */
export type ByAuthority<T> = Readonly<Record<AuthorityName, T>>;

/** Where each is kept. */
export type AuthorityPlaces = ByAuthority<AuthorityPlace>;

/** The authorities in their Secrets. Throws a `TerminalError` for one that cannot be used. */
export function loadAuthorities(
  signers: ByAuthority<Secret | undefined>,
): ByAuthority<Authority | undefined> {
  return byAuthority((name) => authorityOf(signers[name]));
}

/** Makes something for each authority. */
export function byAuthority<T>(make: (name: AuthorityName) => T): ByAuthority<T> {
  return Object.fromEntries(authorityNames.map((name) => [name, make(name)])) as ByAuthority<T>;
}
