import { join } from "node:path";

/**
 * Everything that is decided about one cluster before anything of it runs. Both forms of the bed
 * fill in the same plan; the components are functions of it.
 */
export interface ClusterPlan {
  readonly name: string;
  /** All files of the cluster lie here. Absolute. */
  readonly directory: string;
  readonly addresses: ClusterAddresses;
  /** The node of this cluster, or `undefined` where there are only processes. */
  readonly node: NodePlan | undefined;
}

/** Addresses and ports of the control plane, as its own machine sees them. */
export interface ClusterAddresses {
  /** The API server is advertised, and reached by the cluster's programs, here. */
  readonly apiServer: string;
  readonly apiServerPort: number;
  readonly etcdClientPort: number;
  readonly etcdPeerPort: number;
  /** The range of ClusterIPs, as a CIDR. */
  readonly services: string;
  /** The first address of that range: `kubernetes.default.svc`. */
  readonly kubernetesService: string;
}

/** What a cluster with a kubelet has beyond its control plane. */
export interface NodePlan {
  readonly address: string;
  /** The range of pod addresses, as a CIDR. */
  readonly pods: string;
  readonly dnsService: string;
  /** The kubelet's cgroup root, such as `/spokeway/hub`. */
  readonly cgroup: string;
}

/** One program of a cluster. */
export interface Program {
  readonly name: string;
  readonly argv: readonly string[];
  /** Files that are written before it starts: absolute path to content. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Where a cluster keeps its keys and certificates. */
export function pkiDirectory(plan: ClusterPlan): string {
  return join(plan.directory, "pki");
}

/** The path of `NAME.crt` of a cluster. */
export function certificatePath(plan: ClusterPlan, name: string): string {
  return join(pkiDirectory(plan), `${name}.crt`);
}

/** The path of `NAME.key` of a cluster. */
export function keyPath(plan: ClusterPlan, name: string): string {
  return join(pkiDirectory(plan), `${name}.key`);
}

/** The path of the kubeconfig of one identity of a cluster, for use by its own programs. */
export function kubeconfigPath(plan: ClusterPlan, identity: string): string {
  return join(plan.directory, `${identity}.kubeconfig`);
}

/** The API server's address for the programs of the cluster itself. */
export function serverUrl({ addresses }: ClusterPlan): string {
  return `https://${addresses.apiServer}:${addresses.apiServerPort}`;
}
