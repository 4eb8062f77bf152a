import { stringify } from "yaml";
import type { Reach } from "./reach.ts";

/** What a kubeconfig is made from. */
export interface KubeconfigInput {
  readonly cluster: string;
  readonly account: string;
  readonly reach: Reach;
  readonly token: string;
  /** Namespace that kubectl works in by default. */
  readonly namespace: string | undefined;
}

/** A kubeconfig with one context, named like the cluster. It needs no file and no program beside it. */
export function kubeconfigOf(input: KubeconfigInput): string {
  const { cluster, account, reach, token, namespace } = input;
  const context = { cluster, user: account, ...(namespace === undefined ? {} : { namespace }) };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    preferences: {},
    "current-context": cluster,
    clusters: [{ name: cluster, cluster: clusterEntry(reach) }],
    users: [{ name: account, user: { token } }],
    contexts: [{ name: cluster, context }],
  };
  // Folded, a long token would be another one for readers that know little of YAML.
  return stringify(config, { lineWidth: 0 });
}

function clusterEntry({ server, caData, tlsServerName }: Reach) {
  return {
    server,
    ...(caData === undefined ? {} : { "certificate-authority-data": caData }),
    ...(tlsServerName === undefined ? {} : { "tls-server-name": tlsServerName }),
  };
}
