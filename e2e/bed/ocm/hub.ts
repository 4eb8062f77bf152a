import { readFile } from "node:fs/promises";
import { makeCertificate } from "../certificates.ts";
import { applyManifests, type ClusterHandle, kubectl } from "../cluster-handle.ts";
import { certificatePath, keyPath, type Program } from "../cluster-plan.ts";
import { waitFor } from "../wait.ts";
import { makeAccount } from "./account.ts";
import type { AddonVersions } from "./crds.ts";
import { hubCrds, hubRoles } from "./manifests.ts";
import { bootstrapUser, ocmNames } from "./names.ts";

/** How OCM is set up on a hub. */
export interface OcmHubOptions {
  /** Clusters that may join without anybody's approval. */
  readonly managed: readonly string[];
  /** Defaults to both, as OCM 1.2 serves them. */
  readonly addonVersions?: AddonVersions;
  /** Whether OCM makes ClusterProfiles where cluster sets are bound. Defaults to false. */
  readonly clusterProfiles?: boolean;
}

/** Starts OCM's registration controller, addon manager and placement controller on a hub. */
export async function startOcmHub(hub: ClusterHandle, options: OcmHubOptions): Promise<void> {
  const addonVersions = options.addonVersions ?? "v1alpha1-and-v1beta1";
  const port = await hub.loopbackPort("ocm-addon-conversion");
  if (addonVersions === "v1alpha1-and-v1beta1") await hub.start(await conversion(hub, port));
  const caBundle = (await readFile(certificatePath(hub.plan, "ca"))).toString("base64");
  const endpoint = { url: `https://127.0.0.1:${port}/convert`, caBundle };
  const [crds, roles] = await Promise.all([
    hubCrds(hub.tools.ocmManifests, addonVersions, endpoint),
    hubRoles(hub.tools.ocmManifests, options),
  ]);
  await applyManifests(hub, crds);
  await Promise.all([
    // kubectl gives up on a CRD that has no status yet.
    waitFor("OCM's kinds", async () => {
      await kubectl(hub, ["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"]);
      return true;
    }),
    applyManifests(hub, roles),
  ]);
  await startPrograms(hub, options);
}

async function startPrograms(
  hub: ClusterHandle,
  { managed, clusterProfiles = false }: OcmHubOptions,
): Promise<void> {
  const users = managed.map(bootstrapUser).join(",");
  const programs: readonly HubProgram[] = [
    {
      program: "registration",
      command: "controller",
      account: "registration-controller-sa",
      flags: [
        `--feature-gates=ManagedClusterAutoApproval=true,ClusterProfile=${clusterProfiles}`,
        `--auto-approved-csr-users=${users}`,
      ],
    },
    { program: "addon", command: "manager", account: "addon-manager-controller-sa", flags: [] },
    { program: "placement", command: "controller", account: "placement-controller-sa", flags: [] },
  ];
  await Promise.all(programs.map(async (program) => hub.start(await hubProgram(hub, program))));
}

interface HubProgram {
  readonly program: string;
  readonly command: string;
  readonly account: string;
  readonly flags: readonly string[];
}

async function hubProgram(
  hub: ClusterHandle,
  { program, command, account, flags }: HubProgram,
): Promise<Program> {
  const name = `ocm-${program}`;
  const [kubeconfig, port] = await Promise.all([
    makeAccount(hub, ocmNames.hubNamespace, account),
    hub.loopbackPort(name),
  ]);
  return {
    name,
    argv: [
      hub.tools.path(program),
      command,
      `--kubeconfig=${kubeconfig}`,
      `--namespace=${ocmNames.hubNamespace}`,
      `--listen=127.0.0.1:${port}`,
      "--disable-leader-election",
      ...flags,
    ],
  };
}

async function conversion(hub: ClusterHandle, port: number): Promise<Program> {
  const certificate = "addon-conversion";
  await makeCertificate(hub.plan, {
    name: certificate,
    authority: "ca",
    commonName: certificate,
    names: ["IP:127.0.0.1"],
  });
  return {
    name: "ocm-addon-conversion",
    argv: [
      hub.tools.path("addon-conversion"),
      `--listen=127.0.0.1:${port}`,
      `--certificate=${certificatePath(hub.plan, certificate)}`,
      `--key=${keyPath(hub.plan, certificate)}`,
    ],
  };
}
