import type { IdentityMode } from "#api";
import {
  type GatewayOptions,
  IdentityConfigurationError,
  loadIdentitySettings,
  type OidcOptions,
  signingAlgorithms,
} from "#gateway";
import { type Logger, type Runnable, watchFiles } from "#runtime";
import { parseFeatureGates } from "./feature-gates.ts";
import { type Flag, type FlagValues, UsageError } from "./flags.ts";

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
  "oidc-issuer-url": {
    type: "string",
    default: "",
    help: "Issuer whose tokens the gateway accepts beside the hub's; https, found by discovery",
  },
  "oidc-client-id": {
    type: "string",
    default: "",
    help: "Whom the issuer's tokens must be for; required with an issuer",
  },
  "oidc-username-claim": { type: "string", default: "sub", help: "Claim that is the user's name" },
  "oidc-username-prefix": {
    type: "string",
    default: "",
    help: "Prefix of the user's name, - for none; the issuer and # when empty and the claim is not email",
  },
  "oidc-groups-claim": { type: "string", default: "", help: "Claim with the user's groups" },
  "oidc-groups-prefix": { type: "string", default: "", help: "Prefix of each group" },
  "oidc-required-claim": {
    type: "list",
    default: [],
    help: "Claims that must be there, as key=value",
  },
  "oidc-signing-algs": {
    type: "list",
    default: ["RS256"],
    help: `Signatures that are accepted: ${signingAlgorithms.join(", ")}`,
  },
  "oidc-ca-file": {
    type: "string",
    default: "",
    help: "CA of the issuer, PEM; the system's when empty",
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
  readonly options: Pick<GatewayOptions, "identity" | "exchangerCa" | "oidc" | "oidcCa">;
  readonly runnables: readonly Runnable[];
}

/** Reads the files that the flags name. Throws a UsageError for those that cannot be used. */
export async function openAccess(values: AccessValues, log: Logger): Promise<Access> {
  const mode = identityMode(values);
  const oidc = oidcOptions(values);
  const identity = await readable("cluster-gateway-proxy-config", async () =>
    loadIdentitySettings({ file: given(values["cluster-gateway-proxy-config"]), mode, log }),
  );
  const exchanger = await followFile("identity-exchanger-ca-file", values);
  const issuer = await followFile("oidc-ca-file", values);
  return {
    options: {
      identity: () => identity.current,
      exchangerCa: exchanger.current,
      oidc,
      oidcCa: issuer.current,
    },
    runnables: [identity, exchanger.runnable, issuer.runnable],
  };
}

/** What the flags say about an issuer; `undefined` without one. Throws a UsageError. */
export function oidcOptions(values: AccessValues): OidcOptions | undefined {
  const { "oidc-issuer-url": issuerUrl, "oidc-client-id": clientId } = values;
  if (issuerUrl === "") return undefined;
  if (URL.parse(issuerUrl)?.protocol !== "https:") {
    throw new UsageError(`Cannot use --oidc-issuer-url=${issuerUrl}: not an https URL`);
  }
  if (clientId === "")
    throw new UsageError("Cannot use --oidc-issuer-url without --oidc-client-id");
  return {
    issuerUrl,
    clientId,
    usernameClaim: given(values["oidc-username-claim"]),
    usernamePrefix: given(values["oidc-username-prefix"]),
    groupsClaim: given(values["oidc-groups-claim"]),
    groupsPrefix: given(values["oidc-groups-prefix"]),
    requiredClaims: requiredClaims(values["oidc-required-claim"]),
    algorithms: values["oidc-signing-algs"].map(algorithm),
  };
}

function requiredClaims(pairs: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
      throw new UsageError(`Cannot use --oidc-required-claim=${pair}: expected key=value`);
    }),
  );
}

function algorithm(name: string): OidcOptions["algorithms"][number] {
  const known = signingAlgorithms.find((candidate) => candidate === name);
  if (known !== undefined) return known;
  const expected = signingAlgorithms.join(", ");
  throw new UsageError(`Cannot use --oidc-signing-algs=${name}: expected ${expected}`);
}

async function followFile(
  flag: "identity-exchanger-ca-file" | "oidc-ca-file",
  values: AccessValues,
) {
  const path = given(values[flag]);
  const runnable = watchFiles(path === undefined ? [] : [path]);
  await readable(flag, async () => runnable.load());
  return { runnable, current: () => runnable.contents[0] };
}

async function readable<Value>(flag: string, read: () => Promise<Value>): Promise<Value> {
  try {
    return await read();
  } catch (error) {
    const isOurs = error instanceof IdentityConfigurationError || isFileError(error);
    if (!isOurs) throw error;
    throw new UsageError(`Cannot use --${flag}: ${error.message}`, { cause: error });
  }
}

function isFileError(error: unknown): error is Error {
  return error instanceof Error && "syscall" in error;
}

function given(path: string): string | undefined {
  return path === "" ? undefined : path;
}
