import { identityModeOf } from "#api";
import { describeError } from "#runtime";
import { GatewayError } from "../answers/gateway-error.ts";
import type { User } from "../authentication/user.ts";
import type { Cluster } from "../clusters/cluster.ts";
import type { Actor } from "./actor.ts";
import { faultsOf, type IdentitySettings, parseClusterRules } from "./configuration.ts";
import type { Exchange, ExchangeRule } from "./exchange-rule.ts";
import type { ExchangeIdentity } from "./external-exchanger.ts";
import { mapUser } from "./name-policy.ts";

/** What is asked of a managed cluster, as far as identity depends on it. */
export interface Act {
  readonly cluster: Pick<Cluster, "name" | "proxyConfiguration">;
  readonly method: string;
  /** The path on the managed cluster. */
  readonly path: string;
  /** Empty, or begins with a question mark. */
  readonly query: string;
}

/**
 * Says as whom a user acts on a managed cluster. Throws a GatewayError `forbidden` for users that
 * may not act there, and `hub_unavailable` when whoever was to decide does not answer.
 */
export type Identify = (user: User, act: Act) => Actor | Promise<Actor>;

export interface IdentifyOptions {
  /** The settings of this moment. */
  readonly settings: () => IdentitySettings;
  readonly exchange: ExchangeIdentity;
  /** Told once of each wrong rule of a cluster's own, for each state of the cluster. */
  readonly onFault: (cluster: string, fault: string) => void;
}

/** Makes the one place where it is decided who acts. */
export function createIdentify({ settings, exchange, onFault }: IdentifyOptions): Identify {
  const rulesOf = rememberedRules(onFault);
  return (user, act) => {
    const { policy, rules } = settings();
    if (isHealthQuestion(act)) return { kind: "account", because: "a question about health" };
    const mode = identityModeOf(policy, act.cluster.name);
    if (mode === "Shared" && !isAskedFor(act.query)) return { kind: "account", because: "Shared" };
    const rule = [...rulesOf(act.cluster), ...rules].find(({ isAbout }) =>
      isAbout(user, act.cluster.name),
    );
    if (rule !== undefined) return follow(rule, user, act, exchange);
    const mapped = mapUser(user, policy);
    if (mapped.kind === "user") return { ...mapped, because: "Impersonate" };
    throw refused(user, act, mapped.why);
  };
}

function follow(
  { name, exchange: decided }: ExchangeRule,
  user: User,
  act: Act,
  exchange: ExchangeIdentity,
): Actor | Promise<Actor> {
  const because = `rule ${name}`;
  switch (decided.kind) {
    case "account":
      return { kind: "account", because };
    case "user":
      return { kind: "user", user: decided.user, because };
    case "refuse":
      throw refused(user, act, decided.why);
    case "ask":
      return ask(decided, user, act, exchange, because);
  }
}

async function ask(
  { url }: Extract<Exchange, { kind: "ask" }>,
  user: User,
  act: Act,
  exchange: ExchangeIdentity,
  because: string,
): Promise<Actor> {
  const answer = await exchange(url, user, act.cluster.name);
  if (answer.kind === "user") return { ...answer, because };
  throw refused(user, act, `${because}: ${answer.why}`);
}

function refused({ name }: User, { cluster }: Act, why: string): GatewayError {
  return new GatewayError(
    "forbidden",
    `Cannot act on cluster "${cluster.name}" as User "${name}": ${why}`,
    { details: { name: cluster.name, resource: "clustergateways" } },
  );
}

/** Probes need no right of their own: what these answer is no secret, and nobody acts. */
function isHealthQuestion({ method, path }: Act): boolean {
  return (method === "GET" || method === "HEAD") && /^\/(healthz|readyz|livez)\/?$/.test(path);
}

/** Upstream's way to be impersonated for one request. */
function isAskedFor(query: string): boolean {
  return query.includes("impersonate=") && new URLSearchParams(query).get("impersonate") === "true";
}

/** The rules of each cluster's own document, read once for each state of the cluster. */
function rememberedRules(
  onFault: IdentifyOptions["onFault"],
): (cluster: Act["cluster"]) => readonly ExchangeRule[] {
  const known = new WeakMap<Act["cluster"], readonly ExchangeRule[]>();
  return (cluster) => {
    const remembered = known.get(cluster);
    if (remembered !== undefined) return remembered;
    const rules = ownRules(cluster);
    for (const fault of faultsOf(rules)) onFault(cluster.name, fault);
    known.set(cluster, rules);
    return rules;
  };
}

function ownRules({ name, proxyConfiguration }: Act["cluster"]): readonly ExchangeRule[] {
  if (proxyConfiguration === undefined) return [];
  try {
    return parseClusterRules(proxyConfiguration, name);
  } catch (error) {
    // What it meant to say about whom is unknown: nobody is let in by something else instead.
    const why = describeError(error);
    return [{ name: "unreadable", isAbout: () => true, exchange: { kind: "refuse", why } }];
  }
}
