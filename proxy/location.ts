/** Where an upstream is, as its answers name it, and where clients find the same. */
export interface LocationView {
  /** Hosts, with their ports if any, that mean the upstream. */
  readonly authorities: readonly string[];
  /** Path below which all that was asked for lies at the upstream; empty for none. */
  readonly basePath: string;
  /** Path of the same place as clients ask for it, without a slash at its end. */
  readonly publicPath: string;
}

/**
 * A `Location` or `Content-Location` as the client has to follow it: an address at the upstream
 * becomes a path behind `publicPath`, byte for byte. What points elsewhere, or is relative to the
 * request, stays as it is. Pure.
 */
export function rewriteLocation(value: string, view: LocationView): string {
  const path = pathAtUpstream(value, view.authorities);
  if (path === undefined) return value;
  const base = view.basePath.replace(/\/+$/, "");
  const below = path.startsWith(base) ? path.slice(base.length) : undefined;
  const isBelow = below !== undefined && /^(?:[/?#]|$)/.test(below);
  return view.publicPath + (isBelow ? below : path);
}

/** The path and all behind it, if the value is an address at one of the authorities. */
function pathAtUpstream(value: string, authorities: readonly string[]): string | undefined {
  const [, authority, rest = ""] = /^(?:https?:)?\/\/([^/?#]*)(.*)$/is.exec(value) ?? [];
  if (authority === undefined) return value.startsWith("/") ? value : undefined;
  const isUpstream = authorities.some((own) => isSameAuthority(own, authority));
  if (!isUpstream) return undefined;
  return rest.startsWith("/") ? rest : `/${rest}`;
}

function isSameAuthority(a: string, b: string): boolean {
  const plain = (authority: string) => authority.toLowerCase().replace(/:443$/, "");
  return plain(a) === plain(b);
}
