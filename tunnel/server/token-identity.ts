import { describeError } from "#runtime";
import { TunnelError } from "../tunnel-error.ts";
import type { AgentClaim, AuthorizeAgent } from "./authorize-agent.ts";

/** What a cluster says of a token. */
export interface TokenVerdict {
  readonly isAuthenticated: boolean;
  readonly username: string;
  /** Why the token could not be looked at; empty when it was. */
  readonly error: string;
}

/** Asks the cluster whose token it is. Throws when it cannot be asked. */
export type JudgeToken = (token: string) => Promise<TokenVerdict>;

/** The ServiceAccount that agents have. */
export interface AgentAccount {
  readonly namespace: string;
  readonly serviceAccount: string;
}

const scheme = "Bearer ";

/**
 * An agent with a token of this ServiceAccount may connect. A token says who the agent is and not
 * what it may serve, so it may claim anything. The texts of refusals are upstream's.
 */
export function tokenIdentity(account: AgentAccount, judge: JudgeToken): AuthorizeAgent {
  return async (claim) => {
    const token = tokenOf(claim);
    const reason = await reasonToRefuse(token, account, judge);
    if (reason === undefined) return undefined;
    throw new TunnelError("protocol", `Failed to validate authentication token, err:${reason}`);
  };
}

function tokenOf({ authorization }: AgentClaim): string {
  const [value] = authorization;
  if (value === undefined) {
    throw new TunnelError("protocol", "Authentication context was not found in metadata");
  }
  if (authorization.length > 1) {
    throw new TunnelError("protocol", `too many (${authorization.length}) tokens are received`);
  }
  if (!value.startsWith(scheme)) {
    throw new TunnelError("protocol", `received token does not have "${scheme}" prefix`);
  }
  return value.slice(scheme.length);
}

async function reasonToRefuse(
  token: string,
  account: AgentAccount,
  judge: JudgeToken,
): Promise<string | undefined> {
  try {
    const fault = faultOf(await judge(token), account);
    return fault === undefined ? undefined : `lookup failed: ${fault}`;
  } catch (error) {
    return `Failed to authenticate request. err:${describeError(error)}`;
  }
}

/** What is wrong with a token's owner, if anything. */
export function faultOf(verdict: TokenVerdict, account: AgentAccount): string | undefined {
  if (verdict.error !== "") return verdict.error;
  if (!verdict.isAuthenticated) return "service account jwt not valid";
  const parts = verdict.username.split(":");
  if (parts.length !== 4) return "unexpected username format";
  const [system, kind, namespace, serviceAccount] = parts;
  if (system !== "system" || kind !== "serviceaccount") {
    return "username returned is not a service account";
  }
  if (namespace !== account.namespace) {
    return `incoming request from "${namespace}" namespace. Expected "${account.namespace}"`;
  }
  return serviceAccount === account.serviceAccount
    ? undefined
    : `incoming request from "${serviceAccount}" service account. Expected "${account.serviceAccount}"`;
}
