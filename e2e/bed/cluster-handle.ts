import { join } from "node:path";
import type { ClusterApi } from "./cluster-api.ts";
import type { ClusterPlan, Program } from "./cluster-plan.ts";
import { runCommand } from "./command.ts";
import type { Tools } from "./toolchain.ts";

/** A running cluster of either form, as much of it as what is built on top needs. */
export interface ClusterHandle {
  readonly plan: ClusterPlan;
  readonly tools: Tools;
  readonly api: ClusterApi;
  /** The admin's kubeconfig, for programs that run where this process does. */
  readonly kubeconfig: string;
  /** Starts one more program beside the cluster's own. */
  start(program: Program): Promise<void>;
  /** A port on that cluster's loopback for one of OCM's programs; the same name, the same port. */
  loopbackPort(program: string): Promise<number>;
}

/** Runs kubectl as the cluster's admin and returns what it printed. */
export async function kubectl(
  cluster: Pick<ClusterHandle, "plan" | "tools" | "kubeconfig">,
  args: readonly string[],
  input?: string,
): Promise<string> {
  const cache = join(cluster.plan.directory, "kubectl-cache");
  return runCommand(
    [
      cluster.tools.path("kubectl"),
      "--kubeconfig",
      cluster.kubeconfig,
      "--cache-dir",
      cache,
      ...args,
    ],
    input === undefined ? {} : { input },
  );
}

/** Applies manifests, as the field manager `bed`, with all conflicts decided in its favour. */
export async function applyManifests(
  cluster: Pick<ClusterHandle, "plan" | "tools" | "kubeconfig">,
  yaml: string,
): Promise<void> {
  const flags = ["--server-side", "--force-conflicts", "--field-manager=bed"];
  await kubectl(cluster, ["apply", ...flags, "-f", "-"], yaml);
}
