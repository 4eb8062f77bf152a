import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseAllDocuments, stringify } from "yaml";
import { type AddonVersions, type ConversionEndpoint, fitCrd } from "./crds.ts";
import { ocmNames } from "./names.ts";
import { renderTemplate } from "./template.ts";

const ownManifests = join(import.meta.dirname, "..", "manifests");

const roleValues: Readonly<Record<string, string>> = {
  ClusterManagerName: ocmNames.clusterManager,
  ClusterManagerNamespace: ocmNames.hubNamespace,
  KlusterletName: ocmNames.klusterlet,
  KlusterletNamespace: ocmNames.agentNamespace,
  AgentNamespace: ocmNames.agentNamespace,
  RegistrationServiceAccount: ocmNames.registrationAccount,
  WorkServiceAccount: ocmNames.workAccount,
};

/** OCM's CRDs of a hub, as one YAML stream. */
export async function hubCrds(
  ocmManifests: string,
  addonVersions: AddonVersions,
  endpoint: ConversionEndpoint,
): Promise<string> {
  const values = {
    AddonAPIServiceCABundle: endpoint.caBundle,
    ClusterManagerNamespace: ocmNames.hubNamespace,
  };
  const text = await render(ocmManifests, ["cluster-manager/hub/crds/*.yaml"], values);
  return parseAllDocuments(text)
    .map((document): unknown => document.toJS())
    .filter((object) => object !== null)
    .map((crd) => stringify(fitCrd(crd, addonVersions, endpoint)))
    .join("---\n");
}

/** The namespaces of a hub and the real roles of OCM's hub programs. */
export async function hubRoles(
  ocmManifests: string,
  { clusterProfiles = false }: { readonly clusterProfiles?: boolean },
): Promise<string> {
  const extra = clusterProfiles ? ["clusterprofiles"] : [];
  const roles = await render(
    ocmManifests,
    ["registration", "addon-manager", "placement", ...extra].map(
      (program) => `cluster-manager/hub/${program}/clusterrole*.yaml`,
    ),
    roleValues,
  );
  return [await own("ocm-hub.yaml"), roles].join("\n---\n");
}

/** The CRDs, namespaces and real roles of OCM's programs on a managed cluster. */
export async function managedManifests(ocmManifests: string): Promise<string> {
  const all = await render(
    ocmManifests,
    [
      "klusterlet/managed/0000_0*.yaml",
      "klusterlet/managed/*clusterrole*.yaml",
      "klusterlet/management/*role*.yaml",
    ],
    roleValues,
  );
  return [await own("ocm-managed.yaml"), all].join("\n---\n");
}

async function own(file: string): Promise<string> {
  return readFile(join(ownManifests, file), "utf8");
}

async function render(
  directory: string,
  patterns: readonly string[],
  values: Readonly<Record<string, string>>,
): Promise<string> {
  const files: string[] = [];
  for await (const file of glob(patterns, { cwd: directory })) files.push(file);
  files.sort();
  const texts = await Promise.all(
    files.map(async (file) =>
      renderTemplate(await readFile(join(directory, file), "utf8"), values),
    ),
  );
  return texts.join("\n---\n");
}
