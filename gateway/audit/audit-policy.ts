import { parse } from "yaml";
import * as z from "zod";
import { describeError } from "#runtime";

/** Least first. */
const levels = ["None", "Metadata", "Request", "RequestResponse"] as const;
const stages = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"] as const;

export type AuditStage = (typeof stages)[number];

/** What a policy decides about one request. */
export interface AuditDecision {
  readonly level: "None" | "Metadata";
  readonly omitted: ReadonlySet<AuditStage>;
}

/** What rules look at. Empty texts for what the request does not name. */
export interface AuditedFacts {
  readonly user: string;
  readonly groups: readonly string[];
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  readonly namespace: string;
  /** The path, for what is no resource. */
  readonly path: string;
}

export type AuditPolicy = (facts: AuditedFacts) => AuditDecision;

/** A policy that cannot be used. The message names the file, the field and what is wrong. */
export class AuditPolicyError extends Error {
  override readonly name = "AuditPolicyError";
}

const strings = z.array(z.string()).default([]);
const rule = z.strictObject({
  level: z.enum(levels),
  users: strings,
  userGroups: strings,
  verbs: strings,
  namespaces: strings,
  nonResourceURLs: strings,
  resources: z
    .array(
      z.strictObject({ group: z.string().default(""), resources: strings, resourceNames: strings }),
    )
    .default([]),
  omitStages: z.array(z.enum(stages)).default([]),
  omitManagedFields: z.boolean().optional(),
});
type Rule = z.infer<typeof rule>;

const document = z.strictObject({
  apiVersion: z.literal("audit.k8s.io/v1"),
  kind: z.literal("Policy"),
  metadata: z.looseObject({}).optional(),
  rules: z.array(rule).min(1),
  omitStages: z.array(z.enum(stages)).default([]),
  omitManagedFields: z.boolean().optional(),
});

/** Everything, without bodies: what holds where no policy is given. */
export const metadataOfAll: AuditPolicy = () => ({ level: "Metadata", omitted: new Set() });

/**
 * Reads an `audit.k8s.io/v1` Policy, YAML or JSON, as kube-apiserver does: the first rule that is
 * about a request decides, and what no rule is about is not recorded. Levels above Metadata count
 * as Metadata: bodies pass through the gateway without being kept, and the managed cluster's own
 * log, which has the same Audit-ID, is the place for them. Throws an {@link AuditPolicyError}.
 */
export function parseAuditPolicy(text: string, place: string): AuditPolicy {
  const { rules, omitStages } = read(text, place);
  return (facts) => {
    const found = rules.find((one) => isAbout(one, facts));
    return {
      level: found === undefined || found.level === "None" ? "None" : "Metadata",
      omitted: new Set([...omitStages, ...(found?.omitStages ?? [])]),
    };
  };
}

function read(text: string, place: string): z.infer<typeof document> {
  let raw: unknown;
  try {
    raw = parse(text);
  } catch (cause) {
    throw new AuditPolicyError(`${place} is no YAML: ${describeError(cause)}`, { cause });
  }
  const found = document.safeParse(raw);
  if (found.success) return found.data;
  throw new AuditPolicyError(`${place} is no audit policy: ${z.prettifyError(found.error)}`);
}

function isAbout(one: Rule, facts: AuditedFacts): boolean {
  return (
    includes(one.users, facts.user) &&
    (one.userGroups.length === 0 || one.userGroups.some((name) => facts.groups.includes(name))) &&
    includes(one.verbs, facts.verb) &&
    isAboutTarget(one, facts)
  );
}

/** An empty list is about everyone. */
function includes(list: readonly string[], value: string): boolean {
  return list.length === 0 || list.includes(value);
}

function isAboutTarget(one: Rule, facts: AuditedFacts): boolean {
  const { namespaces, resources, nonResourceURLs } = one;
  const isForResources = namespaces.length > 0 || resources.length > 0;
  if (!isForResources && nonResourceURLs.length === 0) return true;
  if (facts.resource === "") return nonResourceURLs.some((url) => isPath(url, facts.path));
  if (!isForResources || !includes(namespaces, facts.namespace)) return false;
  return resources.length === 0 || resources.some((entry) => isResource(entry, facts));
}

function isPath(url: string, path: string): boolean {
  if (url === "*") return true;
  return url.endsWith("*") ? path.startsWith(url.slice(0, -1)) : url === path;
}

function isResource(entry: Rule["resources"][number], facts: AuditedFacts): boolean {
  const { group, resource, subresource, name } = facts;
  if (entry.group !== group || !includes(entry.resourceNames, name)) return false;
  const whole = subresource === "" ? resource : `${resource}/${subresource}`;
  return (
    entry.resources.length === 0 ||
    entry.resources.some(
      (pattern) =>
        pattern === "*" ||
        pattern === whole ||
        pattern === `${resource}/*` ||
        (subresource !== "" && pattern === `*/${subresource}`),
    )
  );
}
