import { hubAccountPrefix } from "#api";
import { type Exchange, headerValues } from "#proxy";
import { GatewayError } from "../answers/gateway-error.ts";
import type { ReviewToken } from "../authentication/token-review.ts";
import type { User } from "../authentication/user.ts";
import type { Authorize } from "../authorization/access-review.ts";
import { grantWish, readWish } from "../identity/impersonation.ts";
import { mapUser, type NamePolicy } from "../identity/name-policy.ts";
import type { HubKeys } from "./hub-keys.ts";
import { readServiceAccountToken, whyNoManagedToken } from "./managed-token.ts";

/** Who asks, and so what of his credential goes on. */
export type UserCaller =
  /**
   * Known by the hub, or by its issuer: his token stays here. `user` is whom he asks to be, or the
   * same, and `acting` who that is there.
   */
  | {
      readonly kind: "hub";
      readonly authenticated: User;
      readonly user: User;
      readonly acting: User;
    }
  /** Whoever the managed cluster finds by the token, which is its own and says `subject` of itself. */
  | { readonly kind: "managed"; readonly subject: string };

/** Says who asks. Throws a GatewayError for nobody, and for who may not act there. */
export type IdentifyCaller = (exchange: Exchange) => Promise<UserCaller>;

export interface CallerOptions {
  /** Says whose a token of the hub or of its issuer is. */
  readonly reviewToken: ReviewToken;
  readonly hubKeys: HubKeys;
  /** Whose tokens the hub has nothing to say about. */
  readonly oidcIssuer: string | undefined;
  /** Asks the hub who may be whom. */
  readonly authorize: Authorize;
}

/**
 * What upstream calls users of the hub on managed clusters: as they are called, but for its
 * ServiceAccounts. Of names and groups in `system:` nothing else is carried.
 */
const names: NamePolicy = {
  users: ["*"],
  groups: ["*"],
  extras: [],
  prefix: hubAccountPrefix,
  serviceAccounts: "Prefix",
};

/** Makes the one place where it is decided who asks, and what of it a managed cluster may see. */
export function createIdentifyCaller(options: CallerOptions): IdentifyCaller {
  return async (exchange) => {
    const token = tokenOf(exchange);
    const user = await review(token, options.reviewToken);
    if (user !== undefined) return hubCaller(exchange, user, options.authorize);
    const why = await whyNoManagedToken(token, options.hubKeys, options.oidcIssuer);
    if (why !== undefined) throw unauthenticated(why);
    return { kind: "managed", subject: readServiceAccountToken(token)?.subject ?? "" };
  };
}

function tokenOf({ headers }: Exchange): string {
  const [authorization = "", ...others] = headerValues(headers, "authorization");
  if (others.length > 0) throw unauthenticated("Authorization came more than once");
  const token = /^bearer +([\x21-\x7e]+)$/i.exec(authorization)?.[1];
  if (token === undefined) throw unauthenticated("no bearer token came with the request");
  return token;
}

async function review(token: string, reviewToken: ReviewToken): Promise<User | undefined> {
  try {
    return await reviewToken(token);
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    const message = "Cannot authenticate: the hub's API does not answer";
    throw new GatewayError("hub_unavailable", message, { cause });
  }
}

async function hubCaller(
  { headers }: Exchange,
  authenticated: User,
  authorize: Authorize,
): Promise<UserCaller> {
  const wish = readWish(headers);
  if (wish !== undefined) await grantWish(wish, authenticated, authorize);
  const user = wish?.user ?? authenticated;
  const mapped = mapUser(user, names);
  if (mapped.kind === "refused") {
    const message = `Cannot act on managed clusters as User "${user.name}": ${mapped.why}`;
    throw new GatewayError("forbidden", message);
  }
  const { name, groups } = mapped.user;
  // As upstream: what else the hub knows of somebody is nothing to a managed cluster.
  return { kind: "hub", authenticated, user, acting: { name, groups, extra: {} } };
}

function unauthenticated(why: string): GatewayError {
  return new GatewayError("unauthenticated", `authentication failed: ${why}`);
}
