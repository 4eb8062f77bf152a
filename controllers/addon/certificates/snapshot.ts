import type { CertificateSigningRequest, ManagedCluster } from "#api";
import type { CertificateRequest } from "#pki";
import type { Registration } from "../addon-view.ts";

/** All that is known about one certificate request of an addon's agent. */
export interface Snapshot {
  readonly request: CertificateSigningRequest;
  /** What is asked for; undefined when it cannot be read. */
  readonly asked: CertificateRequest | undefined;
  readonly addonName: string;
  /** As the request's label says, which is the requester's word and no more. */
  readonly clusterName: string;
  readonly cluster: ManagedCluster | undefined;
  /** True when the addon is on that cluster, and not on its way out. */
  readonly hasAddon: boolean;
  /** Namespace of the agent on that cluster; undefined when the addon is not on it. */
  readonly installNamespace: string | undefined;
  /** What the addon registers for on that cluster: our own list, not the one in its status. */
  readonly registrations: readonly Registration[];
}
