import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { makeClusterCertificates } from "../certificates.ts";
import { ClusterApi } from "../cluster-api.ts";
import { applyManifests, type ClusterHandle } from "../cluster-handle.ts";
import { kubeconfigPath, type Program, serverUrl } from "../cluster-plan.ts";
import { containerd } from "../components/containerd.ts";
import { controllerManager } from "../components/controller-manager.ts";
import { etcd } from "../components/etcd.ts";
import { kubeApiServer } from "../components/kube-apiserver.ts";
import { kubeProxy } from "../components/kube-proxy.ts";
import { kubelet } from "../components/kubelet.ts";
import { scheduler } from "../components/scheduler.ts";
import { at, conditionStatus } from "../conditions.ts";
import { bedImages } from "../images/names.ts";
import { writeKubeconfig } from "../kubeconfig.ts";
import type { Progress } from "../progress.ts";
import type { Tools } from "../toolchain.ts";
import { waitFor } from "../wait.ts";
import { type FullClusterPlan, outsideUrl } from "./addresses.ts";
import { startForward } from "./forward.ts";
import { importImages, waitForContainerd } from "./image-import.ts";
import type { BedFiles } from "./layout.ts";
import { startMachine, startOnMachine } from "./machine.ts";

/** A cluster of the full bed, running or about to. */
export interface FullCluster extends ClusterHandle {
  readonly plan: FullClusterPlan;
}

/** What all clusters of the bed share. */
export interface BedContext {
  readonly files: BedFiles;
  readonly tools: Tools;
  readonly progress: Progress;
  /** Archives of the images that every cluster gets. */
  readonly images: readonly string[];
}

/** OCM's programs listen on the loopback of their own machine. */
const loopbackPorts: Readonly<Record<string, number>> = {
  "ocm-addon-conversion": 9443,
  "ocm-registration": 8441,
  "ocm-addon": 8442,
  "ocm-placement": 8443,
  "ocm-registration-agent": 8444,
  "ocm-work-agent": 8445,
};

const identities = ["admin", "controller-manager", "scheduler", "proxy", "kubelet"];

/** Connects to a cluster of the full bed whose certificates exist. */
export async function openFullCluster(
  plan: FullClusterPlan,
  { files, tools }: Pick<BedContext, "files" | "tools">,
): Promise<FullCluster> {
  return {
    plan,
    tools,
    api: await ClusterApi.asAdmin(plan, outsideUrl(plan)),
    kubeconfig: files.kubeconfig(plan.name),
    start: async (program) => startOnMachine(plan, files, program),
    loopbackPort: async (program) => {
      const port = loopbackPorts[program];
      if (port === undefined) throw new RangeError(`No port is set aside for ${program}`);
      return port;
    },
  };
}

/** Starts one cluster and waits until its node is ready and its DNS answers. */
export async function startFullCluster(
  plan: FullClusterPlan,
  context: BedContext,
): Promise<FullCluster> {
  const { files, tools, progress, images } = context;
  await startMachine(plan, files);
  const start = async (program: Program): Promise<void> => startOnMachine(plan, files, program);
  await start(containerd(plan, plan.node));
  const importing = waitForContainerd(plan.name).then(async () => importImages(plan.name, images));
  await makeClusterCertificates(plan);
  await writeKubeconfigs(plan, files);
  await Promise.all([start(etcd(plan, tools)), start(kubeApiServer(plan, tools))]);
  await startForward(plan, files);
  const cluster = await openFullCluster(plan, context);
  await waitFor(`the API server of ${plan.name}`, async () => cluster.api.isReady());
  progress.say(`${plan.name}: the API server is ready`);
  await Promise.all([start(controllerManager(plan, tools)), start(scheduler(plan, tools))]);
  await importing;
  await start(kubelet(plan, plan.node, tools));
  await start(kubeProxy(plan, plan.node, tools));
  await applyManifests(cluster, await dnsManifests(plan));
  await waitUntilReady(cluster, progress);
  return cluster;
}

async function waitUntilReady({ plan, api }: FullCluster, progress: Progress): Promise<void> {
  await waitFor(`the node of ${plan.name}`, async () => {
    const node = await api.find(`/api/v1/nodes/${plan.name}`);
    return conditionStatus(node, "Ready") === "True";
  });
  progress.say(`${plan.name}: the node is ready`);
  await waitFor(`the DNS of ${plan.name}`, async () => {
    const deployment = await api.find("/apis/apps/v1/namespaces/kube-system/deployments/coredns");
    return at(deployment, "status", "availableReplicas") === 1;
  });
  progress.say(`${plan.name}: DNS is ready`);
}

async function writeKubeconfigs(plan: FullClusterPlan, files: BedFiles): Promise<void> {
  await mkdir(join(plan.directory, "kubectl-cache"), { recursive: true });
  await writeKubeconfig(plan, files.kubeconfig(plan.name), outsideUrl(plan), "admin");
  for (const identity of identities) {
    await writeKubeconfig(plan, kubeconfigPath(plan, identity), serverUrl(plan), identity);
  }
}

async function dnsManifests({ node }: FullClusterPlan): Promise<string> {
  const template = await readFile(
    join(import.meta.dirname, "..", "manifests", "coredns.yaml"),
    "utf8",
  );
  return template.replaceAll("DNS_ADDRESS", node.dnsService).replaceAll("IMAGE", bedImages.coredns);
}
