import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { makeCertificate } from "../certificates.ts";
import { applyManifests, type ClusterHandle } from "../cluster-handle.ts";
import { kubeconfigPath, type Program, serverUrl } from "../cluster-plan.ts";
import { conditionStatus } from "../conditions.ts";
import { writeKubeconfig } from "../kubeconfig.ts";
import { waitFor } from "../wait.ts";
import { makeAccount } from "./account.ts";
import { managedManifests } from "./manifests.ts";
import { bootstrapUser, ocmNames } from "./names.ts";

/** Starts OCM's agents on a managed cluster and waits until the hub calls it available. */
export async function joinOcm(
  hub: ClusterHandle,
  managed: ClusterHandle,
  signal?: AbortSignal,
): Promise<void> {
  const hubKubeconfigs = join(managed.plan.directory, "hub-kubeconfig");
  await mkdir(hubKubeconfigs, { recursive: true });
  await applyManifests(managed, await managedManifests(managed.tools.ocmManifests));
  const bootstrap = await makeBootstrap(hub, managed);
  const [registration, work] = await Promise.all([
    makeAccount(managed, ocmNames.agentNamespace, ocmNames.registrationAccount),
    makeAccount(managed, ocmNames.agentNamespace, ocmNames.workAccount),
  ]);
  await managed.start(await registrationAgent(managed, registration, bootstrap, hubKubeconfigs));
  await waitFor(
    `the hub's kubeconfig on ${managed.plan.name}`,
    async () => ["kubeconfig", "tls.crt"].every((file) => existsSync(join(hubKubeconfigs, file))),
    { signal },
  );
  await managed.start(await workAgent(managed, work, hubKubeconfigs));
  await waitUntilAvailable(hub, managed.plan.name, signal);
}

async function waitUntilAvailable(
  hub: ClusterHandle,
  name: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const path = `/apis/cluster.open-cluster-management.io/v1/managedclusters/${name}`;
  await waitFor(
    `${name} to be available on the hub`,
    async () => {
      const cluster = await hub.api.find(path);
      return conditionStatus(cluster, "ManagedClusterConditionAvailable") === "True";
    },
    { signal },
  );
}

/** The credentials to ask to join with, and the Secret in which the agent expects them. */
async function makeBootstrap(hub: ClusterHandle, managed: ClusterHandle): Promise<string> {
  const user = bootstrapUser(managed.plan.name);
  await makeCertificate(hub.plan, {
    name: user,
    authority: "ca",
    commonName: user,
    groups: ["system:bootstrappers:managedcluster"],
  });
  const path = kubeconfigPath(managed.plan, "bootstrap");
  await writeKubeconfig(hub.plan, path, serverUrl(hub.plan), user);
  await managed.api.create(`/api/v1/namespaces/${ocmNames.agentNamespace}/secrets`, {
    metadata: { name: "bootstrap-hub-kubeconfig" },
    data: { kubeconfig: (await readFile(path)).toString("base64") },
  });
  return path;
}

async function registrationAgent(
  managed: ClusterHandle,
  kubeconfig: string,
  bootstrap: string,
  hubKubeconfigs: string,
): Promise<Program> {
  return agent(managed, "registration", kubeconfig, [
    `--bootstrap-kubeconfig=${bootstrap}`,
    `--hub-kubeconfig-dir=${hubKubeconfigs}`,
  ]);
}

async function workAgent(
  managed: ClusterHandle,
  kubeconfig: string,
  hubKubeconfigs: string,
): Promise<Program> {
  return agent(managed, "work", kubeconfig, [
    "--workload-source-driver=kube",
    `--workload-source-config=${join(hubKubeconfigs, "kubeconfig")}`,
    "--status-sync-interval=5s",
  ]);
}

async function agent(
  managed: ClusterHandle,
  program: string,
  kubeconfig: string,
  flags: readonly string[],
): Promise<Program> {
  const name = `ocm-${program}-agent`;
  return {
    name,
    argv: [
      managed.tools.path(program),
      "agent",
      `--kubeconfig=${kubeconfig}`,
      `--spoke-kubeconfig=${kubeconfig}`,
      `--spoke-cluster-name=${managed.plan.name}`,
      `--namespace=${ocmNames.agentNamespace}`,
      `--listen=127.0.0.1:${await managed.loopbackPort(name)}`,
      `--agent-id=bed-${managed.plan.name}`,
      "--disable-leader-election",
      ...flags,
    ],
  };
}
