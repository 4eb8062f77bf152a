import { type Secret, secrets } from "#api";
import { createKubeClient, isApiError, type KubeClient } from "#kube";
import { describeError } from "#runtime";
import { type Flag, type FlagValues, helpText, parseFlags, UsageError } from "../options/flags.ts";
import { execCredentialOf } from "./exec-credential.ts";
import { parseExecInfo } from "./exec-info.ts";
import { hubAccessOf, type Place } from "./hub-access.ts";
import { PluginError } from "./plugin-error.ts";

const flags = {
  "managed-serviceaccount": {
    type: "string",
    default: "",
    help: "Name of the ManagedServiceAccount whose token is wanted; required",
  },
  kubeconfig: {
    type: "string",
    default: "",
    help: "Kubeconfig of the hub; the pod's own service account, $KUBECONFIG or ~/.kube/config when empty",
  },
  context: {
    type: "string",
    default: "",
    help: "Context of the hub in it; its current one when empty",
  },
  namespace: {
    type: "string",
    default: "",
    help: "Namespace of the ClusterProfile; $NAMESPACE, that of the pod or of the context when empty",
  },
} as const satisfies Readonly<Record<string, Flag>>;

const summary =
  "Gives kubectl and client-go the token of a ManagedServiceAccount for the cluster of a ClusterProfile, from the Secret beside it. An exec credential plugin.";

/** What the process is to print, and its exit code. */
export interface PluginResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the plugin once. The token is in `stdout` and nowhere else. */
export async function runCredentialPlugin(
  argv: readonly string[],
  place: Place,
): Promise<PluginResult> {
  const help = helpText("cp-creds", summary, flags);
  if (argv.includes("--help") || argv.includes("-h")) return { code: 0, stdout: help, stderr: "" };
  try {
    const stdout = await answer(parseFlags(flags, argv), place);
    return { code: 0, stdout, stderr: "" };
  } catch (error) {
    const usage = error instanceof UsageError ? help : "";
    return {
      code: 1,
      stdout: "",
      stderr: `[open-cluster-management] ${describe(error)}\n${usage}`,
    };
  }
}

function describe(error: unknown): string {
  const isPlain = error instanceof UsageError || error instanceof PluginError;
  return isPlain ? error.message : describeError(error);
}

async function answer(values: FlagValues<typeof flags>, place: Place): Promise<string> {
  const account = values["managed-serviceaccount"];
  if (account === "") throw new UsageError("--managed-serviceaccount flag is required");
  const hub = await connect(values, place);
  const { environment } = place;
  const { clusterName } = parseExecInfo(environment["KUBERNETES_EXEC_INFO"]);
  const namespace =
    values.namespace || environment["NAMESPACE"]?.trim() || hub.access.namespace || "default";
  const secret = await readSecret(hub, namespace, `${clusterName}-${account}`);
  return execCredentialOf(secret, account, new Date());
}

async function connect(values: FlagValues<typeof flags>, place: Place): Promise<KubeClient> {
  try {
    const access = hubAccessOf(values, place);
    return await createKubeClient({ ...access, userAgent: "spokeway-cp-creds" });
  } catch (cause) {
    const message = `Error initializing provider: ${describe(cause)}`;
    throw new PluginError(message, { cause });
  }
}

async function readSecret(hub: KubeClient, namespace: string, name: string): Promise<Secret> {
  try {
    return await hub.get<Secret>(secrets, { namespace, name }, AbortSignal.timeout(30_000));
  } catch (error) {
    const message = `failed to get synced credential secret ${namespace}/${name}: ${describe(error)}`;
    throw new PluginError(`${message}${adviceOn(error)}`, { cause: error });
  }
}

function adviceOn(error: unknown): string {
  if (isApiError(error, "not_found")) {
    return ". Is there a ClusterProfile of the cluster in this namespace, is the ManagedServiceAccount labelled authentication.open-cluster-management.io/sync-to-clusterprofile=true, and is the namespace one that gets credentials?";
  }
  if (isApiError(error, "forbidden"))
    return ". Whoever runs this needs the verb get on that Secret";
  return "";
}
