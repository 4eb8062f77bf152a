import type { IdentityMode } from "#api";
import { type GatewayOptions, IdentityConfigurationError, loadIdentitySettings } from "#gateway";
import type { Logger, Runnable } from "#runtime";
import { parseFeatureGates } from "./feature-gates.ts";
import { type Flag, type FlagValues, UsageError } from "./flags.ts";
import { followFile, isFileError } from "./follow-file.ts";
import { oidcFlags, oidcOptions } from "./oidc-flags.ts";

/** Flags of the gateway about who may come in, and as whom callers act. */
export const accessFlags = {
  identity: {
    type: "string",
    default: "",
    help: "As whom callers act on managed clusters: shared (as the cluster's account, the default) or impersonate (each as himself)",
  },
  "cluster-gateway-proxy-config": {
    type: "string",
    default: "",
    help: "File with a ClusterGatewayProxyConfiguration: identity policy and rules; read again when it changes",
  },
  "identity-exchanger-ca-file": {
    type: "string",
    default: "",
    help: "CA of external identity exchangers, PEM; the system's when empty",
  },
  ...oidcFlags,
  "authorize-proxy-subpath": {
    type: "boolean",
    default: false,
    help: "Also ask the hub whether the caller may do on its own objects what he does on the managed cluster's, with the real verb",
  },
  "authorization-webhook-cache-authorized-ttl": {
    type: "duration",
    default: "10s",
    help: "How long a yes of the hub's authorizer counts",
  },
  "authorization-webhook-cache-unauthorized-ttl": {
    type: "duration",
    default: "10s",
    help: "How long a no of the hub's authorizer counts",
  },
  "authentication-token-webhook-cache-ttl": {
    type: "duration",
    default: "10s",
    help: "How long the hub's answer about a token counts",
  },
  "feature-gates": {
    type: "list",
    default: [],
    help: "ClientIdentityPenetration=true is --identity=impersonate; what the other gates turned on is always on",
  },
} as const satisfies Readonly<Record<string, Flag>>;

export type AccessValues = FlagValues<typeof accessFlags>;

/** Upstream's gates and their defaults there; none changes anything here but the last. */
const gates = {
  HealthinessCheck: true,
  SecretCache: true,
  OCMClusterCache: true,
  ClientIdentityPenetration: false,
} as const;

/** The mode that the flags name. Throws a UsageError. */
export function identityMode(values: AccessValues): IdentityMode {
  const gate = parseFeatureGates(values["feature-gates"], gates).ClientIdentityPenetration;
  const { identity } = values;
  if (identity === "impersonate" || (identity === "" && gate)) return "Impersonate";
  if (identity === "shared" && gate) {
    throw new UsageError(
      "Cannot use --identity=shared with ClientIdentityPenetration=true: they say the opposite",
    );
  }
  if (identity === "" || identity === "shared") return "Shared";
  throw new UsageError(`Cannot use --identity=${identity}: expected shared or impersonate`);
}

export interface Access {
  readonly options: Pick<
    GatewayOptions,
    "identity" | "exchangerCa" | "oidc" | "oidcCa" | "authorizesPaths" | "decisionTtls"
  >;
  readonly runnables: readonly Runnable[];
}

/** Reads the files that the flags name. Throws a UsageError for those that cannot be used. */
export async function openAccess(values: AccessValues, log: Logger): Promise<Access> {
  const mode = identityMode(values);
  const oidc = oidcOptions(values);
  const identity = await readable("cluster-gateway-proxy-config", async () =>
    loadIdentitySettings({ file: values["cluster-gateway-proxy-config"] || undefined, mode, log }),
  );
  const exchanger = await followFile(
    "identity-exchanger-ca-file",
    values["identity-exchanger-ca-file"],
  );
  const issuer = await followFile("oidc-ca-file", values["oidc-ca-file"]);
  return {
    options: {
      identity: () => identity.current,
      exchangerCa: exchanger.current,
      oidc,
      oidcCa: issuer.current,
      authorizesPaths: values["authorize-proxy-subpath"],
      decisionTtls: {
        allowedTtlMs: values["authorization-webhook-cache-authorized-ttl"],
        deniedTtlMs: values["authorization-webhook-cache-unauthorized-ttl"],
        tokenTtlMs: values["authentication-token-webhook-cache-ttl"],
      },
    },
    runnables: [identity, exchanger.runnable, issuer.runnable],
  };
}

async function readable<Value>(flag: string, read: () => Promise<Value>): Promise<Value> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof IdentityConfigurationError || isFileError(error))) throw error;
    throw new UsageError(`Cannot use --${flag}: ${error.message}`, { cause: error });
  }
}
