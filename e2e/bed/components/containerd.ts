import { join } from "node:path";
import type { ClusterPlan, NodePlan, Program } from "../cluster-plan.ts";
import { bedImages } from "../images/names.ts";

/** The container runtime of a machine. Its socket lies under the machine's own `/run`. */
export const containerdSocket = "/run/containerd/containerd.sock";

/** The runtime and the pod network of one machine. */
export function containerd(plan: ClusterPlan, node: NodePlan): Program {
  const config = join(plan.directory, "containerd.toml");
  const cni = join(plan.directory, "cni");
  return {
    name: "containerd",
    argv: ["containerd", "--config", config, "--log-level", "warn"],
    files: {
      [config]: containerdConfig(plan.directory, cni),
      [join(cni, "10-bed.conflist")]: podNetwork(plan.directory, node),
    },
  };
}

/** Snapshotters that the kernel or the disk may not have, and a plugin that writes to `/opt`. */
const disabledPlugins = [
  ...["aufs", "btrfs", "devmapper", "native", "zfs"].map(
    (name) => `io.containerd.snapshotter.v1.${name}`,
  ),
  "io.containerd.internal.v1.opt",
];

function containerdConfig(directory: string, cni: string): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  const quoted = disabledPlugins.map((name) => JSON.stringify(name)).join(", ");
  return `version = 2
root = ${JSON.stringify(join(directory, "containerd"))}
state = "/run/containerd"
disabled_plugins = [${quoted}]

[grpc]
  address = "${containerdSocket}"

[${cri}]
  sandbox_image = "${bedImages.pause}"
  disable_apparmor = true
  # Root may lack the capability to lower a score, and runc then fails without saying why.
  restrict_oom_score_adj = true

[${cri}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[${cri}.containerd.runtimes.runc.options]
  SystemdCgroup = false

[${cri}.cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = ${JSON.stringify(cni)}
`;
}

/** The machine's one static rule masquerades for all pods, so the plugin need not. */
function podNetwork(directory: string, node: NodePlan): string {
  const ipam = {
    type: "host-local",
    dataDir: join(directory, "cni-addresses"),
    ranges: [[{ subnet: node.pods }]],
    routes: [{ dst: "0.0.0.0/0" }],
  };
  const bridge = { type: "bridge", bridge: "cni0", isGateway: true, hairpinMode: true, ipam };
  const portmap = { type: "portmap", capabilities: { portMappings: true } };
  return JSON.stringify({ cniVersion: "0.4.0", name: "bed", plugins: [bridge, portmap] });
}
