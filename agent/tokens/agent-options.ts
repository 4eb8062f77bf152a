import type { PermissionPolicy } from "#api";
import type { KubeClient } from "#kube";
import type { Logger, Metrics } from "#runtime";

/** What one token agent is told. */
export interface TokenAgentOptions {
  readonly hub: KubeClient;
  readonly managed: KubeClient;
  /** Name of the managed cluster, which is its namespace on the hub. */
  readonly cluster: string;
  /** The agent's namespace on the managed cluster, where the ServiceAccounts are made. */
  readonly namespace: string;
  /** Whether to renew the addon's Lease. */
  readonly renewsLease: boolean;
  /** This candidate's name when several agents elect a leader; undefined when there is but one. */
  readonly electionIdentity: string | undefined;
  /** Whether accounts are deleted at the end of `spec.ttlSecondsAfterCreation`. */
  readonly endsEphemeral: boolean;
  /** Whether ServiceAccounts that others made are handed out without asking. */
  readonly adoptsAny: boolean;
  /**
   * What accounts may be given; undefined when the agent has no rights to give any. Statements about
   * other clusters do not count.
   */
  readonly permissionPolicy: PermissionPolicy | undefined;
  readonly metrics: Metrics;
  readonly log: Logger;
}
