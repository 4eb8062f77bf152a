import { runCommand } from "../command.ts";
import type { FullClusterPlan } from "./addresses.ts";
import { machineNamespace, namespacePath, routerNamespace } from "./layout.ts";

/**
 * The router's rules. Whatever is not accepted is dropped without a word, as a firewall does:
 * managed clusters reach the hub's API server and NodePorts, and nothing else gets through.
 */
export function routerRules(clusters: readonly FullClusterPlan[]): string {
  const [hub] = clusters;
  const wayIn =
    hub === undefined
      ? ""
      : `iifname != "${hub.name}" oifname "${hub.name}" ip daddr ${hub.node.address} tcp dport { ${hub.addresses.apiServerPort}, 30000-32767 } accept`;
  return `table ip bed {
  set cut {
    type ifname
  }
  chain forward {
    type filter hook forward priority filter
    policy drop
    iifname @cut drop
    oifname @cut drop
    ct state established,related accept
    ${wayIn}
  }
}
`;
}

/** Pods leave their machine under its address. */
export function machineRules({ node }: FullClusterPlan): string {
  return `table ip bed {
  chain leave {
    type nat hook postrouting priority srcnat
    ip saddr ${node.pods} oifname "eth0" masquerade
  }
}
`;
}

/** What `ip -batch` is told in the router's namespace: a wire to every machine. */
export function routerLinks(clusters: readonly FullClusterPlan[]): string {
  const wires = clusters.flatMap(({ name, router }) => [
    `link add ${name} type veth peer name eth0 netns ${machineNamespace(name)}`,
    `addr add ${router}/24 dev ${name}`,
    `link set ${name} up`,
  ]);
  return ["link set lo up", ...wires, ""].join("\n");
}

/** What `ip -batch` is told in a machine's namespace: the other end, and the way out. */
export function machineLinks({ node, router }: FullClusterPlan): string {
  return [
    "link set lo up",
    `addr add ${node.address}/24 dev eth0`,
    "link set eth0 up",
    `route add default via ${router}`,
    "",
  ].join("\n");
}

/** Makes the namespaces, the wires and the rules. The root namespace gets none of them. */
export async function createNetwork(clusters: readonly FullClusterPlan[]): Promise<void> {
  await runCommand(["ip", "netns", "add", routerNamespace]);
  for (const { name } of clusters) await runCommand(["ip", "netns", "add", machineNamespace(name)]);
  await inNamespace(routerNamespace, ["ip", "-batch", "-"], routerLinks(clusters));
  await inNamespace(routerNamespace, ["nft", "-f", "-"], routerRules(clusters));
  const forwarding = "echo 1 >/proc/sys/net/ipv4/ip_forward";
  await inNamespace(routerNamespace, ["sh", "-c", forwarding]);
  for (const cluster of clusters) {
    const namespace = machineNamespace(cluster.name);
    await inNamespace(namespace, ["ip", "-batch", "-"], machineLinks(cluster));
    await inNamespace(namespace, ["nft", "-f", "-"], machineRules(cluster));
  }
}

/** Runs a command in one network namespace of the bed. */
export async function inNamespace(
  namespace: string,
  argv: readonly string[],
  input?: string,
): Promise<string> {
  return runCommand(
    ["nsenter", `--net=${namespacePath(namespace)}`, ...argv],
    input === undefined ? {} : { input },
  );
}
