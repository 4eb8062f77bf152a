import type { IdentityMode } from "#api";
import { type GatewayOptions, IdentityConfigurationError, loadIdentitySettings } from "#gateway";
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
  readonly options: Pick<GatewayOptions, "identity" | "exchangerCa">;
  readonly runnables: readonly Runnable[];
}

/** Reads the files that the flags name. Throws a UsageError for those that cannot be used. */
export async function openAccess(values: AccessValues, log: Logger): Promise<Access> {
  const mode = identityMode(values);
  const identity = await readable("cluster-gateway-proxy-config", async () =>
    loadIdentitySettings({ file: given(values["cluster-gateway-proxy-config"]), mode, log }),
  );
  const exchanger = await followFile("identity-exchanger-ca-file", values);
  return {
    options: { identity: () => identity.current, exchangerCa: exchanger.current },
    runnables: [identity, exchanger.runnable],
  };
}

async function followFile(flag: "identity-exchanger-ca-file", values: AccessValues) {
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
