import { join } from "node:path";
import { stringify } from "yaml";
import { type ClusterPlan, kubeconfigPath, type NodePlan, type Program } from "../cluster-plan.ts";
import type { Tools } from "../toolchain.ts";

/** Makes Services of a machine work, with nftables. */
export function kubeProxy(plan: ClusterPlan, node: NodePlan, tools: Tools): Program {
  const config = join(plan.directory, "kube-proxy.yaml");
  return {
    name: "kube-proxy",
    argv: [tools.path("kube-proxy"), `--config=${config}`],
    files: { [config]: stringify(kubeProxyConfig(plan, node)) },
  };
}

function kubeProxyConfig(plan: ClusterPlan, node: NodePlan): unknown {
  return {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "nftables",
    clusterCIDR: node.pods,
    hostnameOverride: plan.name,
    clientConnection: { kubeconfig: kubeconfigPath(plan, "proxy") },
    metricsBindAddress: "127.0.0.1:10249",
    healthzBindAddress: "127.0.0.1:10256",
    // The limits of connection tracking belong to the host and cannot be set from a namespace.
    conntrack: {
      maxPerCore: 0,
      min: 0,
      tcpEstablishedTimeout: "0s",
      tcpCloseWaitTimeout: "0s",
    },
  };
}
