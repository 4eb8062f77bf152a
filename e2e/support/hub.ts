import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type CommandOptions, type CommandResult, tryCommand } from "../bed/command.ts";

/** The checkout that the tests belong to. */
export const checkout = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const bed = join(checkout, ".bed");

export const kubectlPath = join(bed, "bin", "kubectl");
export const hubKubeconfig = join(bed, "hub.kubeconfig");
export const managedKubeconfig = join(bed, "managed1.kubeconfig");
/** The hub's kubeconfig with the gateway's path on its server line, as the walk-through makes it. */
export const gatewayKubeconfig = join(bed, "managed1-through-hub.kubeconfig");

export const gatewayPath = "/apis/cluster.core.oam.dev/v1alpha1/clustergateways/managed1/proxy";

export interface KubectlOptions extends CommandOptions {
  /** Defaults to the hub's. */
  readonly kubeconfig?: string;
  /** Which kubectl. Defaults to that of the clusters' version. */
  readonly program?: string;
}

/** Runs kubectl as a person would, whatever comes of it. */
export function tryKubectl(
  args: readonly string[],
  { kubeconfig = hubKubeconfig, program = kubectlPath, env = {}, ...options }: KubectlOptions = {},
): Promise<CommandResult> {
  return tryCommand([program, ...args], {
    ...options,
    env: { ...env, KUBECONFIG: kubeconfig },
  });
}

/** Runs kubectl; throws with what it said when it fails. */
export async function kubectl(
  args: readonly string[],
  options: KubectlOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await tryKubectl(args, options);
  if (code === 0) return stdout;
  throw new Error(`kubectl ${args.join(" ")} ended with ${code}: ${stderr}${stdout}`);
}

/** An object as JSON. */
export async function kubectlJson(
  args: readonly string[],
  options: KubectlOptions = {},
): Promise<unknown> {
  return JSON.parse(await kubectl([...args, "-o", "json"], options));
}

/** Runs helm against the hub, in the checkout, whatever comes of it. */
export function tryHelm(
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return tryCommand([join(bed, "bin", "helm"), ...args], {
    cwd: checkout,
    timeoutMs: 300_000,
    ...options,
    env: { KUBECONFIG: hubKubeconfig, ...options.env },
  });
}

/** Runs helm; throws with what it said when it fails. */
export async function helm(args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await tryHelm(args, options);
  if (code === 0) return stdout;
  throw new Error(`helm ${args.join(" ")} ended with ${code}: ${stderr}${stdout}`);
}

/** Writes {@link gatewayKubeconfig}: one line of the hub's kubeconfig changed. */
export async function writeGatewayKubeconfig(): Promise<void> {
  const text = await readFile(hubKubeconfig, "utf8");
  const changed = text.replace(
    /(["']?server["']?:\s*["']?)(https:[^"'\s,}]+)/,
    (_, before: string, server: string) => `${before}${server}${gatewayPath}`,
  );
  if (changed === text) throw new Error(`Cannot find the server line in ${hubKubeconfig}`);
  await writeFile(gatewayKubeconfig, changed, { mode: 0o600 });
}
