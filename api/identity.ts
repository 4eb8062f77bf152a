import * as z from "zod";
import { matchesAny } from "./permissions.ts";

/** As whom callers act on managed clusters: as one account for all, or each as himself. */
export const identityModes = ["Shared", "Impersonate"] as const;
export type IdentityMode = (typeof identityModes)[number];

/** Upstream's ways to choose an identity. */
export const exchangerTypes = [
  "PrivilegedIdentityExchanger",
  "StaticMappingIdentityExchanger",
  "ExternalIdentityExchanger",
] as const;

const text = () => z.string().meta({ maxLength: 512 });
const names = (what: string) =>
  z
    .array(z.string().min(1).meta({ maxLength: 512 }))
    .meta({ maxItems: 256 })
    .describe(what);

/** Whom a rule is about. Every field that is given must hold; patterns are for the whole name. */
export const identitySource = z.strictObject({
  user: text().optional().describe("Name of the caller."),
  group: text().optional().describe("A group of the caller."),
  uid: text().optional().describe("Uid of the caller."),
  cluster: text().optional().describe("Name of the managed cluster."),
  userPattern: text().optional().describe("What the whole name of the caller is like."),
  groupPattern: text().optional().describe("What one group of the caller is like."),
  clusterPattern: text().optional().describe("What the whole name of the cluster is like."),
});
export type IdentitySource = z.infer<typeof identitySource>;

/** As whom to act. */
export const identityTarget = z.strictObject({
  user: text().optional().describe("User on the managed cluster."),
  groups: names("Groups on the managed cluster.").optional(),
  uid: text().optional().describe("Uid on the managed cluster."),
});
export type IdentityTarget = z.infer<typeof identityTarget>;

/** One of upstream's rules: who may act as whom. The first that is about a caller counts. */
export const identityRule = z.strictObject({
  name: z.string().min(1).meta({ maxLength: 253 }).describe("What logs and errors call it."),
  type: z
    .enum(exchangerTypes)
    .describe(
      "Privileged acts as the gateway's own account, StaticMapping as the target, External as the url says.",
    ),
  source: identitySource.describe("Whom the rule is about.").optional(),
  target: identityTarget.describe("As whom to act, for StaticMapping.").optional(),
  url: z
    .string()
    .meta({ maxLength: 2048 })
    .optional()
    .describe("Whom to ask, for External; https."),
});
export type IdentityRule = z.infer<typeof identityRule>;

const clusterMode = z
  .strictObject({
    names: names("Names of clusters, in which * stands for any characters.").meta({ minItems: 1 }),
    mode: z.enum(identityModes).describe("As whom callers act there."),
  })
  .describe("Clusters on which callers act otherwise.");

/** What is the same wherever a policy is written down. */
const shape = {
  mode: z
    .enum(identityModes)
    .default("Shared")
    .describe("Shared acts as the gateway's account; Impersonate lets each caller act as himself."),
  clusters: z
    .array(clusterMode)
    .meta({ maxItems: 64 })
    .default([])
    .describe("Clusters on which callers act otherwise; the first that names one counts."),
  users: names("Users that may act, as the managed cluster knows them; * is all.").default(["*"]),
  prefix: z
    .string()
    .max(64)
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*:$/)
    .refine((prefix) => prefix !== "system:", "system: is what it is to replace")
    .meta({
      "x-kubernetes-validations": [
        { rule: "self != 'system:'", message: "system: is what it is to replace" },
      ],
    })
    .default("hub:")
    .describe("Replaces system: in the names of the hub's ServiceAccounts."),
  serviceAccounts: z
    .enum(["Prefix", "Refuse"])
    .default("Prefix")
    .describe("Whether ServiceAccounts of the hub act under prefix, or not at all."),
};

const groupsAre = "Groups that are carried, as the managed cluster knows them; * is all.";
const extrasAre = "Keys of extra that are carried; * is all.";

/**
 * Who may act as whom on managed clusters. Nothing of `groups` and `extras` is carried unless it is
 * named, since the right to carry all groups is the right to be root on every managed cluster.
 */
export const identityPolicy = z.strictObject({
  ...shape,
  groups: names(groupsAre).default([]),
  extras: names(extrasAre).default([]),
  rules: z
    .array(identityRule)
    .meta({ maxItems: 128 })
    .default([])
    .describe("Exceptions, as upstream has them; the first that is about a caller counts."),
});
export type IdentityPolicy = z.infer<typeof identityPolicy>;

/** The same in the gateway's file, where upstream's meaning holds: everything is carried. */
export const gatewayIdentity = z.strictObject({
  ...shape,
  groups: names(groupsAre).default(["*"]),
  extras: names(extrasAre).default(["*"]),
});
export type GatewayIdentity = z.infer<typeof gatewayIdentity>;

/** An issuer whose tokens the gateway accepts at its own port, as kube-apiserver's flags have it. */
export const oidcIssuer = z.strictObject({
  issuerURL: z
    .string()
    .regex(/^https:\/\//)
    .max(2048)
    .describe("The issuer, found by discovery."),
  clientID: z.string().min(1).max(512).describe("Whom its tokens must be for."),
  usernameClaim: z.string().min(1).default("sub").describe("Claim that is the user's name."),
  usernamePrefix: text()
    .default("")
    .describe("Prefix of the name, - for none; when empty, the issuer and #, but for email."),
  groupsClaim: text().default("").describe("Claim with the user's groups."),
  groupsPrefix: text().default("").describe("Prefix of each group."),
  signingAlgs: z
    .array(
      z.enum(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]),
    )
    .default(["RS256"])
    .describe("Signatures that are accepted."),
  caBundle: z
    .string()
    .meta({ maxLength: 65_536 })
    .default("")
    .describe("CAs of the issuer, PEM; the system's when empty."),
});
export type OidcIssuer = z.infer<typeof oidcIssuer>;

/** Upstream's document about identities, in a file and in an annotation; apiVersion is not checked. */
export const proxyConfigurationKind = "ClusterGatewayProxyConfiguration";

/** The mode on one cluster. */
export function identityModeOf(
  { mode, clusters }: Pick<GatewayIdentity, "mode" | "clusters">,
  cluster: string,
): IdentityMode {
  return clusters.find(({ names }) => matchesAny(names, cluster))?.mode ?? mode;
}
