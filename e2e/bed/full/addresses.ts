import type { ClusterPlan } from "../cluster-plan.ts";
import { type BedFiles, bedCgroup } from "./layout.ts";

/** A cluster with its place in the bed's network. */
export interface FullClusterPlan extends ClusterPlan {
  readonly node: NonNullable<ClusterPlan["node"]>;
  /** The router's address on the wire to this cluster. */
  readonly router: string;
  /** The port of 127.0.0.1 that leads to the API server from outside of the bed. */
  readonly outsidePort: number;
}

const apiServerPort = 6443;
const firstOutsidePort = 26_443;
/** Each cluster owns a /20 of 172.30.0.0/16, of which it uses three /24. */
const networksPerCluster = 16;
/** What 172.30.0.0/16 has room for. */
export const maxClusters = 256 / networksPerCluster;

/**
 * Decides all addresses of one cluster from its place in the list: a wire to the router, pods,
 * and services. Every machine has a loopback of its own, so there the ports are always the same.
 */
export function planFullCluster(name: string, index: number, files: BedFiles): FullClusterPlan {
  if (index < 0 || index >= maxClusters) {
    throw new RangeError(`Cannot place cluster ${index}: there is room for ${maxClusters}`);
  }
  const network = (offset: number): string => `172.30.${index * networksPerCluster + offset}`;
  const [wire, pods, services] = [network(0), network(1), network(2)];
  const node = `${wire}.2`;
  return {
    name,
    directory: files.clusterDirectory(name),
    router: `${wire}.1`,
    outsidePort: firstOutsidePort + index,
    node: {
      address: node,
      pods: `${pods}.0/24`,
      dnsService: `${services}.10`,
      cgroup: `${bedCgroup}/${name}`,
    },
    addresses: {
      apiServer: node,
      apiServerPort,
      etcdClientPort: 2379,
      etcdPeerPort: 2380,
      services: `${services}.0/24`,
      kubernetesService: `${services}.1`,
    },
  };
}

/** The API server's address for programs outside of the bed. */
export function outsideUrl({ outsidePort }: FullClusterPlan): string {
  return `https://127.0.0.1:${outsidePort}`;
}
