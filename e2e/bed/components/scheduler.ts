import {
  type ClusterPlan,
  certificatePath,
  keyPath,
  kubeconfigPath,
  type Program,
} from "../cluster-plan.ts";
import type { Tools } from "../toolchain.ts";

/** The scheduler of one cluster. */
export function scheduler(plan: ClusterPlan, tools: Tools): Program {
  const kubeconfig = kubeconfigPath(plan, "scheduler");
  return {
    name: "kube-scheduler",
    argv: [
      tools.path("kube-scheduler"),
      `--kubeconfig=${kubeconfig}`,
      `--authentication-kubeconfig=${kubeconfig}`,
      `--authorization-kubeconfig=${kubeconfig}`,
      `--tls-cert-file=${certificatePath(plan, "scheduler")}`,
      `--tls-private-key-file=${keyPath(plan, "scheduler")}`,
      "--bind-address=127.0.0.1",
      "--leader-elect=false",
      "--profiling=false",
    ],
  };
}
