import { join } from "node:path";
import { stringify } from "yaml";
import {
  type ClusterPlan,
  certificatePath,
  keyPath,
  kubeconfigPath,
  type NodePlan,
  type Program,
} from "../cluster-plan.ts";
import type { Tools } from "../toolchain.ts";
import { containerdSocket } from "./containerd.ts";

/** The kubelet of a machine: webhook authentication and authorization, no anonymous access. */
export function kubelet(plan: ClusterPlan, node: NodePlan, tools: Tools): Program {
  const config = join(plan.directory, "kubelet.yaml");
  const resolv = join(plan.directory, "resolv.conf");
  return {
    name: "kubelet",
    argv: [
      tools.path("kubelet"),
      `--config=${config}`,
      `--kubeconfig=${kubeconfigPath(plan, "kubelet")}`,
      `--hostname-override=${plan.name}`,
      `--node-ip=${node.address}`,
    ],
    // The bed has no outside, so there is no name server to hand on.
    files: { [config]: stringify(kubeletConfig(plan, node, resolv)), [resolv]: "" },
  };
}

function kubeletConfig(plan: ClusterPlan, node: NodePlan, resolvConf: string): unknown {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    address: node.address,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: certificatePath(plan, "ca") },
    },
    authorization: { mode: "Webhook" },
    tlsCertFile: certificatePath(plan, "kubelet"),
    tlsPrivateKeyFile: keyPath(plan, "kubelet"),
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    // Each cluster has a root of its own, or the kubelets would clear away each other's pods.
    cgroupRoot: node.cgroup,
    cgroupDriver: "cgroupfs",
    failCgroupV1: false,
    failSwapOn: false,
    clusterDomain: "cluster.local",
    clusterDNS: [node.dnsService],
    resolvConf,
    volumePluginDir: "/var/lib/kubelet/volume-plugins",
    // Images come from no registry: one that is collected cannot be had again.
    imageGCHighThresholdPercent: 100,
    evictionHard: {
      "memory.available": "50Mi",
      "nodefs.available": "0%",
      "nodefs.inodesFree": "0%",
      "imagefs.available": "0%",
      "imagefs.inodesFree": "0%",
    },
  };
}
