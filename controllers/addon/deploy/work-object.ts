import {
  type AddonVersion,
  addonGroup,
  type Manifest,
  type ManifestConfig,
  type ManifestWork,
  ocmAnnotations,
  ocmLabels,
  ownerReferenceTo,
} from "#api";
import { isContained, isSame } from "../../canonical-json.ts";
import type { AddonView } from "../addon-view.ts";
import type { WorkContent } from "./works.ts";

/** What all ManifestWorks of one addon on one cluster have in common. */
export interface WorkFrame {
  readonly addon: AddonView;
  readonly version: AddonVersion;
  readonly manifests: readonly Manifest[];
  readonly manifestConfigs: readonly ManifestConfig[];
  /** Hash of each configuration that the manifests were made from. */
  readonly configHashes: Readonly<Record<string, string>>;
}

/** The ManifestWork that carries `content`; it goes with the addon. */
export function workObject(
  { addon, version, manifests, manifestConfigs, configHashes }: WorkFrame,
  content: WorkContent,
): ManifestWork {
  const hasConfigs = Object.keys(configHashes).length > 0;
  const owner = ownerReferenceTo(`${addonGroup}/${version}`, "ManagedClusterAddOn", addon.object, {
    controller: true,
    blockOwnerDeletion: true,
  });
  const orphaningRules = manifests.filter(isOrphan).map(ruleOf);
  const work = {
    metadata: {
      name: content.name,
      namespace: addon.cluster,
      labels: { [ocmLabels.addonName]: addon.name },
      ...(hasConfigs
        ? { annotations: { [ocmAnnotations.configSpecHash]: JSON.stringify(configHashes) } }
        : {}),
      ownerReferences: [owner],
    },
    spec: {
      workload: { manifests: [...content.manifests] },
      ...(orphaningRules.length === 0
        ? {}
        : {
            deleteOption: {
              propagationPolicy: "SelectivelyOrphan",
              selectivelyOrphans: { orphaningRules },
            },
          }),
      ...(manifestConfigs.length === 0 ? {} : { manifestConfigs: [...manifestConfigs] }),
    },
  };
  return work as unknown as ManifestWork;
}

/** True when the work on the hub already is what is wanted. */
export function isWorkUpToDate(wanted: ManifestWork, observed: ManifestWork): boolean {
  const { labels, annotations, ownerReferences } = wanted.metadata;
  const hash = ocmAnnotations.configSpecHash;
  return (
    isSame(wanted.spec.workload, observed.spec.workload) &&
    isContained({ labels, ownerReferences }, observed.metadata) &&
    isSame(annotations?.[hash], observed.metadata.annotations?.[hash]) &&
    sameOption(wanted.spec.deleteOption, observed.spec.deleteOption) &&
    sameOption(wanted.spec.manifestConfigs, observed.spec.manifestConfigs)
  );
}

/** The observed work with everything of ours replaced and everything else kept. */
export function replacedWork(wanted: ManifestWork, observed: ManifestWork): ManifestWork {
  const { [ocmAnnotations.configSpecHash]: _old, ...annotations } =
    observed.metadata.annotations ?? {};
  return {
    ...observed,
    metadata: {
      ...observed.metadata,
      labels: { ...observed.metadata.labels, ...wanted.metadata.labels },
      annotations: { ...annotations, ...wanted.metadata.annotations },
      ownerReferences: wanted.metadata.ownerReferences,
    },
    spec: wanted.spec,
  };
}

function sameOption(wanted: unknown, observed: unknown): boolean {
  if (wanted === undefined) return observed === undefined || observed === null;
  return isContained(wanted, observed);
}

function isOrphan({ metadata }: Manifest): boolean {
  const { annotations } = metadata as { annotations?: Readonly<Record<string, string>> };
  return annotations?.[ocmAnnotations.deletionOrphan] !== undefined;
}

/** Only Namespaces are kept back today, and their plural is regular. */
function ruleOf({ apiVersion, kind, metadata }: Manifest) {
  const group = apiVersion.includes("/") ? (apiVersion.split("/", 1)[0] ?? "") : "";
  const { name, namespace = "" } = metadata;
  return { group, resource: `${kind.toLowerCase()}s`, namespace, name };
}
