import { type ArgocdOutput, argocdCluster } from "#api";
import type { Reach } from "./reach.ts";

/** The labels and the content of a Secret that Argo CD reads; values are plain text. */
export interface ArgocdSecret {
  readonly labels: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, string>>;
}

/** Declares a cluster to Argo CD, in the form of its declarative setup. */
export function argocdSecretOf(
  cluster: string,
  { clusterName = cluster, project, labels, namespaces, clusterResources }: ArgocdOutput,
  { server, caData, tlsServerName }: Reach,
  token: string,
): ArgocdSecret {
  const config = {
    bearerToken: token,
    tlsClientConfig: {
      insecure: false,
      ...(caData === undefined ? {} : { caData }),
      ...(tlsServerName === undefined ? {} : { serverName: tlsServerName }),
    },
  };
  return {
    labels: { ...labels, [argocdCluster.typeLabel]: argocdCluster.type },
    data: {
      name: clusterName,
      server,
      config: JSON.stringify(config),
      ...(project === undefined ? {} : { project }),
      ...(namespaces === undefined ? {} : { namespaces: namespaces.join(",") }),
      ...(clusterResources === undefined ? {} : { clusterResources: String(clusterResources) }),
    },
  };
}
