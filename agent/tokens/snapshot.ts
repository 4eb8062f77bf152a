import type { KubeObject, ManagedServiceAccount, Secret, TokenClaims } from "#api";

/** The token that the hub Secret holds; without claims when it is no ServiceAccount token. */
export interface HeldToken {
  readonly text: string;
  readonly claims: TokenClaims | undefined;
}

/** What the managed cluster says of the held token. */
export type Verdict = "accepted" | "rejected" | "unasked";

/** All that the plan for one account looks at. */
export interface Snapshot {
  readonly account: ManagedServiceAccount;
  /** The hub Secret of the account's name, whoever made it. */
  readonly secret: Secret | undefined;
  /** The token in that Secret, if there is one. */
  readonly token: HeldToken | undefined;
  /** The managed cluster's ServiceAccount of that name, whoever made it. */
  readonly serviceAccount: KubeObject | undefined;
  /** The managed cluster's certificate authority, as PEM. */
  readonly caBundle: Buffer;
  readonly verdict: Verdict;
}

/** What holds for all accounts of one agent. */
export interface PlanSettings {
  /** Where the ServiceAccounts are, on the managed cluster. */
  readonly agentNamespace: string;
  /** Names in that namespace that are never handed out: the agent's own. */
  readonly ownNames: ReadonlySet<string>;
  /** Whether ServiceAccounts that others made are taken without asking, as upstream does. */
  readonly adoptsAny: boolean;
}

/** The user that tokens of the account are for. */
export function subjectOf({ metadata }: ManagedServiceAccount, agentNamespace: string): string {
  return `system:serviceaccount:${agentNamespace}:${metadata.name}`;
}
