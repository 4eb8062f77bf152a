import { type AccessProvider, execExtension, ocmClusterManager } from "#api";
import { isSame } from "../../canonical-json.ts";
import type { Reach } from "../outputs/reach.ts";

/** Extension that tells our entry from one that another program made under the same name. */
const ourMark = {
  name: "app.kubernetes.io/managed-by",
  extension: { name: "spokeway" },
} as const;

/** What should become of the list of a profile's ways of access. */
export type ProvidersPlan =
  | { readonly kind: "keep" }
  | { readonly kind: "write"; readonly providers: readonly AccessProvider[] }
  /** Another program has an entry of our name; it stays. */
  | { readonly kind: "taken" };

/** Puts our entry into the list, or takes it out when there is no `reach`. Others' stay in place. */
export function planProviders(
  providers: readonly AccessProvider[],
  clusterName: string,
  reach: Reach | undefined,
): ProvidersPlan {
  const index = providers.findIndex(({ name }) => name === ocmClusterManager);
  const present = providers[index];
  if (present !== undefined && !isOurs(present)) {
    return reach === undefined ? { kind: "keep" } : { kind: "taken" };
  }
  if (reach === undefined) {
    if (present === undefined) return { kind: "keep" };
    return { kind: "write", providers: providers.toSpliced(index, 1) };
  }
  const wanted = providerOf(clusterName, reach);
  if (present === undefined) return { kind: "write", providers: [...providers, wanted] };
  if (isSame(present, wanted)) return { kind: "keep" };
  return { kind: "write", providers: providers.with(index, wanted) };
}

/** True when the entry is in the list, as we make it. */
export function hasOurs(providers: readonly AccessProvider[] = []): boolean {
  return providers.some((provider) => provider.name === ocmClusterManager && isOurs(provider));
}

function providerOf(clusterName: string, { server, caData, tlsServerName }: Reach): AccessProvider {
  return {
    name: ocmClusterManager,
    cluster: {
      server,
      ...(caData === undefined ? {} : { "certificate-authority-data": caData }),
      ...(tlsServerName === undefined ? {} : { "tls-server-name": tlsServerName }),
      extensions: [{ name: execExtension, extension: { clusterName } }, ourMark],
    },
  };
}

function isOurs({ cluster }: AccessProvider): boolean {
  const { extensions } = (cluster ?? {}) as { readonly extensions?: unknown };
  return Array.isArray(extensions) && extensions.some((extension) => isSame(extension, ourMark));
}
