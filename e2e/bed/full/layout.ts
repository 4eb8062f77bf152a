import { join } from "node:path";

/** Everything of the bed that the system knows by name begins with this. */
export const bedPrefix = "spokeway";

/** The network namespace of the router between the clusters. */
export const routerNamespace = `${bedPrefix}-wan`;

/** The network namespace of one cluster's machine. */
export function machineNamespace(cluster: string): string {
  return `${bedPrefix}-${cluster}`;
}

/** Where `ip netns` keeps a namespace. */
export function namespacePath(namespace: string): string {
  return join("/run/netns", namespace);
}

/** What must be found again when the checkout that started the bed is gone. */
export const runDirectory = `/run/${bedPrefix}`;

/** The cgroup below which everything of the bed runs, in every hierarchy. */
export const bedCgroup = `/${bedPrefix}`;

/** The cgroup of the programs of one cluster's machine. */
export function machineCgroup(cluster: string): string {
  return `${bedCgroup}/${cluster}/machine`;
}

/** The cgroup of what runs outside of the machines: the forwards. */
export const forwardCgroup = `${bedCgroup}/forward`;

/** Names of the clusters: the hub, then as many managed ones as asked for. */
export function clusterNames(managed: number): readonly string[] {
  return ["hub", ...Array.from({ length: managed }, (_, index) => `managed${index + 1}`)];
}

/** Where this checkout keeps the files of its bed. */
export const bedRoot = join(import.meta.dirname, "..", "..", "..", ".bed");

/** Files of the bed of one checkout. */
export interface BedFiles {
  /** `.bed` of the checkout. */
  readonly root: string;
  kubeconfig(cluster: string): string;
  clusterDirectory(cluster: string): string;
  logs(cluster: string): string;
}

/** Finds the files of the bed below `.bed`. */
export function bedFiles(root: string): BedFiles {
  return {
    root,
    kubeconfig: (cluster) => join(root, `${cluster}.kubeconfig`),
    clusterDirectory: (cluster) => join(root, "clusters", cluster),
    logs: (cluster) => join(root, "logs", cluster),
  };
}

/** Directories of the host on which a machine mounts its own; made where they are missing. */
export const machineMountPoints: readonly string[] = ["/var/lib/kubelet", "/var/lib/cni"];
