import * as z from "zod";
import { faultsOfRule, type IdentityRule, type IdentitySource, identityRule } from "#api";
import { compilePattern, type Pattern, PatternError } from "#runtime";
import { authenticatedGroup, type User } from "../authentication/user.ts";

/** What a rule decides about those whom it is about. */
export type Exchange =
  | { readonly kind: "account" }
  | { readonly kind: "user"; readonly user: User }
  | { readonly kind: "ask"; readonly url: URL }
  /** The rule cannot be followed, so whoever it may mean is refused. */
  | { readonly kind: "refuse"; readonly why: string };

/** A rule that is ready for use. */
export interface ExchangeRule {
  readonly name: string;
  readonly isAbout: (user: User, cluster: string) => boolean;
  readonly exchange: Exchange;
}

/** Where a rule was written down, which decides what it may do. */
export interface RuleOrigin {
  /** What the place is called, in messages. */
  readonly place: string;
  /** The one cluster that rules of this place are about. */
  readonly cluster?: string;
}

/**
 * Makes a rule ready. Never throws: a rule with a fault refuses those whom it may mean, as far as
 * can be read, so that nobody gets more than he would if it were right.
 */
export function exchangeRule(raw: unknown, index: number, origin: RuleOrigin): ExchangeRule {
  const parsed = identityRule.safeParse(raw);
  const faults = parsed.success ? faultsIn(parsed.data, origin) : [z.prettifyError(parsed.error)];
  const name = nameOf(raw, index);
  const isAbout = conditionsOf(sourceOf(raw), origin.cluster);
  if (!parsed.success || faults.length > 0) {
    const why = `identity rule "${name}" in ${origin.place} is wrong: ${faults.join("; ")}`;
    return { name, isAbout, exchange: { kind: "refuse", why } };
  }
  return { name, isAbout, exchange: exchangeOf(parsed.data) };
}

function faultsIn(rule: IdentityRule, { cluster }: RuleOrigin): readonly string[] {
  const isAsking = rule.type === "ExternalIdentityExchanger" && cluster !== undefined;
  const notHere = "ExternalIdentityExchanger is only for rules of the gateway itself";
  return [...faultsOfRule(rule), ...(isAsking ? [notHere] : [])];
}

function exchangeOf({ type, target, url = "" }: IdentityRule): Exchange {
  switch (type) {
    case "PrivilegedIdentityExchanger":
      return { kind: "account" };
    case "StaticMappingIdentityExchanger": {
      const { user: name = "", groups = [], uid } = target ?? {};
      const user = { name, groups, extra: {}, ...(uid === undefined ? {} : { uid }) };
      return { kind: "user", user };
    }
    case "ExternalIdentityExchanger":
      return { kind: "ask", url: new URL(url) };
  }
}

type Condition = (user: User, cluster: string) => boolean;

/** What can be read of a source; `undefined` when there is none, so that it is about nobody. */
function sourceOf(raw: unknown): IdentitySource | undefined {
  if (typeof raw !== "object" || raw === null || !("source" in raw)) return undefined;
  const entries = Object.entries(raw.source ?? {}) as [string, unknown][];
  return Object.fromEntries(entries.filter(([, value]) => typeof value === "string"));
}

function conditionsOf(source: IdentitySource | undefined, only: string | undefined): Condition {
  if (source === undefined) return () => false;
  const { user: name, group, uid, userPattern, groupPattern, clusterPattern } = source;
  const [isUser, isGroup, isCluster] = [userPattern, groupPattern, clusterPattern].map(patternOf);
  const conditions: readonly (Condition | undefined)[] = [
    // A cluster's own rules are about that cluster, whatever they say.
    equals(only ?? source.cluster, (_user, cluster) => cluster),
    equals(name, (user) => user.name),
    equals(uid, (user) => user.uid),
    group === undefined ? undefined : ({ groups }) => groupsOf(groups).includes(group),
    isUser === undefined ? undefined : (user) => isUser(user.name),
    isGroup === undefined ? undefined : ({ groups }) => groupsOf(groups).some(isGroup),
    isCluster === undefined ? undefined : (_user, cluster) => isCluster(cluster),
  ];
  const given = conditions.filter((condition) => condition !== undefined);
  return (user, cluster) => given.every((condition) => condition(user, cluster));
}

function equals(
  wanted: string | undefined,
  read: (user: User, cluster: string) => string | undefined,
): Condition | undefined {
  return wanted === undefined ? undefined : (user, cluster) => read(user, cluster) === wanted;
}

/** Every caller is authenticated, whether or not that was written down. */
function groupsOf(groups: readonly string[]): readonly string[] {
  return groups.includes(authenticatedGroup) ? groups : [...groups, authenticatedGroup];
}

/** A pattern that cannot be read leaves its condition open, and the rule refuses. */
function patternOf(pattern: string | undefined): Pattern | undefined {
  try {
    return pattern === undefined ? undefined : compilePattern(pattern);
  } catch (error) {
    if (error instanceof PatternError) return undefined;
    throw error;
  }
}

function nameOf(raw: unknown, index: number): string {
  const name = typeof raw === "object" && raw !== null && "name" in raw ? raw.name : undefined;
  return typeof name === "string" && name !== "" ? name : `#${index + 1}`;
}
