import type { ManagedCluster } from "#api";

/** Where a client finds the API server of a cluster. */
export interface Reach {
  readonly server: string;
  /** Base64 of PEM; undefined for certificates that everybody trusts. */
  readonly caData: string | undefined;
}

/**
 * The first address of its own that a cluster names, if it is one that a token may be sent to.
 * `tokenCa` vouches for the server where the cluster says nothing of certificates.
 */
export function directReach({ spec }: ManagedCluster, tokenCa?: string): Reach | undefined {
  const config = spec.managedClusterClientConfigs?.find(({ url }) => isHttps(url));
  if (config === undefined) return undefined;
  return { server: config.url, caData: config.caBundle || tokenCa || undefined };
}

function isHttps(url: string): boolean {
  return URL.canParse(url) && new URL(url).protocol === "https:";
}
