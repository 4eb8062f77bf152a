/** One Go module under `tools/`: a version, and the programs built from it. */
export interface ToolModule {
  readonly version: string;
  /** Program name to Go package. */
  readonly programs: Readonly<Record<string, string>>;
  readonly linkerFlags: readonly string[];
  /** The make target that builds it. */
  readonly target: "tools" | "tools-konnectivity" | "tools-clients";
}

const ocmCommands = "open-cluster-management.io/ocm/cmd";
const kubernetesCommands = "k8s.io/kubernetes/cmd";
const konnectivityCommands = "sigs.k8s.io/apiserver-network-proxy/cmd";
const kubernetesVersion = "1.35.4";

/** All that the bed is made of. The versions are those of the `go.mod` files. */
export const toolModules = {
  etcd: {
    version: "3.6.16",
    programs: { etcd: "go.etcd.io/etcd/server/v3" },
    linkerFlags: [],
    target: "tools",
  },
  kubernetes: {
    version: kubernetesVersion,
    programs: {
      kubectl: `${kubernetesCommands}/kubectl`,
      "kube-apiserver": `${kubernetesCommands}/kube-apiserver`,
      "kube-controller-manager": `${kubernetesCommands}/kube-controller-manager`,
      "kube-scheduler": `${kubernetesCommands}/kube-scheduler`,
      "kube-proxy": `${kubernetesCommands}/kube-proxy`,
      kubelet: `${kubernetesCommands}/kubelet`,
    },
    linkerFlags: versionFlags(kubernetesVersion),
    target: "tools",
  },
  ocm: {
    version: "1.2.1",
    programs: {
      registration: `${ocmCommands}/registration`,
      addon: `${ocmCommands}/addon`,
      placement: `${ocmCommands}/placement`,
      work: `${ocmCommands}/work`,
      "addon-conversion": ".",
    },
    linkerFlags: [],
    target: "tools",
  },
  coredns: {
    version: "1.14.5",
    programs: { coredns: "." },
    linkerFlags: [],
    target: "tools",
  },
  helm: {
    version: "3.22.0",
    programs: { helm: "helm.sh/helm/v3/cmd/helm" },
    linkerFlags: ["-X helm.sh/helm/v3/internal/version.version=v3.22.0"],
    target: "tools",
  },
  informer: {
    version: "0.35.4",
    programs: { informer: "." },
    linkerFlags: [],
    target: "tools-clients",
  },
  "kubectl-1.34": kubectl("0.34.3"),
  "kubectl-1.36": kubectl("0.36.6"),
  "konnectivity-0.36": konnectivity("0.36.0"),
  "konnectivity-0.34": konnectivity("0.34.0"),
  "konnectivity-bench": {
    version: "0.36.0",
    programs: { "konnectivity-bench": "." },
    linkerFlags: [],
    target: "tools-konnectivity",
  },
} as const satisfies Readonly<Record<string, ToolModule>>;

/** A directory under `tools/`. */
export type ToolModuleName = keyof typeof toolModules;

/** What a cluster of processes needs. */
export const processTools: readonly ToolModuleName[] = ["etcd", "kubernetes", "ocm"];
/** What the full bed needs. */
export const fullTools: readonly ToolModuleName[] = [...processTools, "coredns", "helm"];
/** Upstream's tunnel programs, which compatibility tests run. */
export const konnectivityTools: readonly ToolModuleName[] = [
  "konnectivity-0.36",
  "konnectivity-0.34",
];
/** What people run beside the bed's own kubectl: controllers in Go, and kubectl older and newer. */
export const clientTools: readonly ToolModuleName[] = ["informer", "kubectl-1.34", "kubectl-1.36"];
/** Upstream's client library, as benchmarks drive it. */
export const benchTools: readonly ToolModuleName[] = ["konnectivity-0.36", "konnectivity-bench"];

/** Programs are named by their version, so that both can be found at once. */
function konnectivity(version: string) {
  const suffix = version.split(".").slice(0, 2).join(".");
  return {
    version,
    programs: {
      [`konnectivity-server-${suffix}`]: `${konnectivityCommands}/server`,
      [`konnectivity-agent-${suffix}`]: `${konnectivityCommands}/agent`,
      [`konnectivity-test-client-${suffix}`]: `${konnectivityCommands}/test-client`,
    },
    linkerFlags: [],
    target: "tools-konnectivity",
  } as const satisfies ToolModule;
}

/**
 * Kubernetes supports a kubectl one minor version older or newer than the API server. It is a
 * module of its own, whose version 0.x is that of Kubernetes 1.x.
 */
function kubectl(version: string) {
  const kubernetes = version.replace(/^0/u, "1");
  return {
    version,
    programs: { [`kubectl-${kubernetes.split(".").slice(0, 2).join(".")}`]: "." },
    linkerFlags: versionFlags(kubernetes),
    target: "tools-clients",
  } as const satisfies ToolModule;
}

function versionFlags(version: string): readonly string[] {
  const [major, minor] = version.split(".");
  const variable = "k8s.io/component-base/version.git";
  return [
    `-X ${variable}Version=v${version}`,
    `-X ${variable}Major=${major}`,
    `-X ${variable}Minor=${minor}`,
    `-X ${variable}TreeState=clean`,
  ];
}
