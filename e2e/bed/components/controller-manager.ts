import {
  type ClusterPlan,
  certificatePath,
  keyPath,
  kubeconfigPath,
  type Program,
} from "../cluster-plan.ts";
import type { Tools } from "../toolchain.ts";

/** Every controller of a cluster, the signers and the bootstrap controllers included. */
export function controllerManager(plan: ClusterPlan, tools: Tools): Program {
  return {
    name: "kube-controller-manager",
    argv: [
      tools.path("kube-controller-manager"),
      `--kubeconfig=${kubeconfigPath(plan, "controller-manager")}`,
      "--leader-elect=false",
      "--controllers=*,bootstrapsigner,tokencleaner",
      "--use-service-account-credentials=true",
      `--service-cluster-ip-range=${plan.addresses.services}`,
      `--root-ca-file=${certificatePath(plan, "ca")}`,
      `--service-account-private-key-file=${keyPath(plan, "service-account")}`,
      `--cluster-signing-cert-file=${certificatePath(plan, "ca")}`,
      `--cluster-signing-key-file=${keyPath(plan, "ca")}`,
      "--profiling=false",
      // Where clusters share one loopback, its own port would be in the way of the next one's.
      ...(plan.node === undefined ? ["--secure-port=0"] : servingFlags(plan)),
    ],
  };
}

function servingFlags(plan: ClusterPlan): readonly string[] {
  const kubeconfig = kubeconfigPath(plan, "controller-manager");
  return [
    "--bind-address=127.0.0.1",
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${kubeconfig}`,
    `--client-ca-file=${certificatePath(plan, "ca")}`,
    `--tls-cert-file=${certificatePath(plan, "controller-manager")}`,
    `--tls-private-key-file=${keyPath(plan, "controller-manager")}`,
  ];
}
