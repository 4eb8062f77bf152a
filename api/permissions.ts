import * as z from "zod";
import { dnsLabel } from "./custom-resource.ts";

const shortText = () => z.string().meta({ minLength: 1, maxLength: 253 });
const words = (maxItems: number) => z.array(shortText()).meta({ maxItems });
/** RBAC puts names of roles into paths. */
const roleName = () =>
  z.string().meta({
    minLength: 1,
    maxLength: 253,
    pattern: "^[^/%]+$",
    "x-kubernetes-validations": [
      { rule: "self != '.' && self != '..'", message: "a role cannot be called . or .." },
    ],
  });

/** One rule of a Role, as Kubernetes has it. */
export const permissionRule = z
  .object({
    apiGroups: z
      .array(z.string().meta({ maxLength: 253 }))
      .meta({ maxItems: 32 })
      .optional()
      .describe("API groups; the core group is empty."),
    resources: words(64)
      .optional()
      .describe("Resources, and subresources as resource/subresource."),
    resourceNames: words(64).optional().describe("Only these objects; all when absent."),
    nonResourceURLs: words(32)
      .optional()
      .describe("Paths outside of API groups; cluster-wide only."),
    verbs: z.array(shortText()).meta({ minItems: 1, maxItems: 16 }).describe("What may be done."),
  })
  .meta({
    "x-kubernetes-validations": [
      {
        rule: "(has(self.resources) && self.resources.size() > 0) != (has(self.nonResourceURLs) && self.nonResourceURLs.size() > 0)",
        message: "either resources or nonResourceURLs must be given, not both",
      },
      {
        rule: "!has(self.resources) || self.resources.size() == 0 || (has(self.apiGroups) && self.apiGroups.size() > 0)",
        message: "resources need apiGroups; the core group is an empty string",
      },
    ],
  });
export type PermissionRule = z.infer<typeof permissionRule>;

/** Kubernetes' own ClusterRoles for people. */
const presets = ["view", "edit", "admin"] as const;

/** One thing that an identity may do on its managed cluster. */
export const permission = z
  .object({
    preset: z.enum(presets).optional().describe("One of Kubernetes' own roles for people."),
    clusterRole: roleName().optional().describe("Name of a ClusterRole of the managed cluster."),
    role: roleName().optional().describe("Name of a Role in each of the namespaces."),
    rules: z
      .array(permissionRule)
      .meta({ minItems: 1, maxItems: 32 })
      .optional()
      .describe("Rules of its own."),
    namespaces: z
      .array(dnsLabel())
      .meta({ minItems: 1, maxItems: 64 })
      .optional()
      .describe("Where it holds; in the whole cluster when absent."),
  })
  .meta({
    "x-kubernetes-validations": [
      {
        rule: "[has(self.preset), has(self.clusterRole), has(self.role), has(self.rules)].filter(given, given).size() == 1",
        message: "exactly one of preset, clusterRole, role and rules must be given",
      },
      {
        rule: "!has(self.role) || has(self.namespaces)",
        message: "role needs namespaces: a Role is in one",
      },
      {
        rule: "!has(self.namespaces) || !has(self.rules) || self.rules.all(rule, !has(rule.nonResourceURLs))",
        message: "nonResourceURLs hold in the whole cluster only: leave out namespaces",
      },
    ],
  });
export type Permission = z.infer<typeof permission>;

/** All that an identity may do. */
export const permissions = z.array(permission).meta({ maxItems: 32 });

const patterns = () => z.array(z.string().min(1));
const names = () => z.array(z.string().min(1)).default([]);

/**
 * One statement of the hub's policy on permissions: these accounts of these clusters may be given
 * these things, there. Names may hold `*` for any characters.
 */
export const permissionStatement = z.strictObject({
  clusters: patterns().default(["*"]),
  accounts: patterns().default(["*"]),
  /** Namespaces where it may be given. */
  namespaces: patterns().default([]),
  /** Whether it may be given for the whole cluster, and so for every namespace. */
  clusterWide: z.boolean().default(false),
  /** ClusterRoles, among them the presets; whole names, or `*` alone for all. */
  clusterRoles: names(),
  /** Roles; whole names, or `*` alone for all. */
  roles: names(),
  /** The most that rules of an account's own may hold. */
  rules: z.array(permissionRule.strict()).default([]),
});
export type PermissionStatement = z.infer<typeof permissionStatement>;

/** Who may be given what. What no statement allows is refused. */
export const permissionPolicy = z.array(permissionStatement);
export type PermissionPolicy = z.infer<typeof permissionPolicy>;

/** True when one of the patterns, in which `*` stands for any characters, is all of `name`. */
export function matchesAny(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => {
    const parts = pattern.split("*").map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, "\\$&"));
    return new RegExp(`^${parts.join(".*")}$`, "s").test(name);
  });
}

/** The statements about one cluster. They are none of the others' business. */
export function policyForCluster(
  policy: PermissionPolicy | undefined,
  cluster: string,
): PermissionPolicy | undefined {
  return policy?.filter(({ clusters }) => matchesAny(clusters, cluster));
}
