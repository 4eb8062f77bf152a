import { compilePattern, PatternError } from "#runtime";
import type { IdentityRule, IdentityTarget } from "./identity.ts";

/** The prefix of names that every Kubernetes cluster keeps for itself. */
export const systemPrefix = "system:";
const accountPrefix = "system:serviceaccount:";

/** Why a rule cannot be followed, each time for people; empty when it can. */
export function faultsOfRule(rule: IdentityRule): readonly string[] {
  return [...sourceFaults(rule), ...kindFaults(rule)];
}

function sourceFaults({ source }: IdentityRule): readonly string[] {
  if (source === undefined) return ["source is missing: the rule is about nobody"];
  if (Object.keys(source).length === 0) {
    return ['source is empty: say userPattern: ".*" if everybody is meant'];
  }
  return (["userPattern", "groupPattern", "clusterPattern"] as const).flatMap((field) => {
    const fault = patternFault(source[field]);
    return fault === undefined ? [] : [`source.${field}: ${fault}`];
  });
}

function patternFault(pattern: string | undefined): string | undefined {
  try {
    if (pattern !== undefined) compilePattern(pattern);
    return undefined;
  } catch (error) {
    if (error instanceof PatternError) return error.message;
    throw error;
  }
}

function kindFaults({ type, target, url }: IdentityRule): readonly string[] {
  switch (type) {
    case "PrivilegedIdentityExchanger":
      return [];
    case "StaticMappingIdentityExchanger":
      return target === undefined ? ["target is missing"] : faultsOfTarget(target);
    case "ExternalIdentityExchanger":
      return URL.parse(url ?? "")?.protocol === "https:" ? [] : ["url is no https URL"];
  }
}

/** Why nobody may act as a target; empty when one may. */
export function faultsOfTarget({ user = "", groups = [] }: IdentityTarget): readonly string[] {
  const own = groups.filter((group) => !mayBeGroup(group));
  return [
    ...(user === "" ? ["target.user is missing"] : []),
    ...(mayBeUser(user) ? [] : [`target.user is "${user}": only ServiceAccounts may be system:`]),
    ...own.map((group) => `target.groups has "${group}": a group of the cluster's own`),
  ];
}

/** A ServiceAccount may be named; every other name of the cluster's own is never put on. */
function mayBeUser(name: string): boolean {
  return !name.startsWith(systemPrefix) || serviceAccountOf(name) !== undefined;
}

function mayBeGroup(name: string): boolean {
  return !name.startsWith(systemPrefix) || harmlessGroup.test(name);
}

/** What an API server adds by itself, and the groups of its ServiceAccounts. */
const harmlessGroup = /^system:(authenticated|serviceaccounts(:[a-z0-9-]+)?)$/;

/** The account that a user name stands for, if it is one. */
export function serviceAccountOf(
  userName: string,
): { readonly namespace: string; readonly name: string } | undefined {
  if (!userName.startsWith(accountPrefix)) return undefined;
  const [namespace = "", name = "", ...rest] = userName.slice(accountPrefix.length).split(":");
  return namespace === "" || name === "" || rest.length > 0 ? undefined : { namespace, name };
}
