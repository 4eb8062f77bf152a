import {
  type AddonVersion,
  addonGroup,
  defaultAgentInstallNamespace,
  type KubeObject,
  type ManifestWork,
  ownerReferenceTo,
} from "#api";
import { type AddonView, isDeliveredByOcm } from "../../addon/addon-view.ts";
import { isContained, isSame } from "../../canonical-json.ts";
import { pullSecretManifest } from "./pull-secret.ts";

/**
 * Name of the ManifestWork that brings the pull secret to a cluster where OCM brings the agent, and of
 * the Secret in it. The klusterlet keeps a Secret of its own beside it, under OCM's name.
 */
export const pullWorkName = "managed-serviceaccount-image-pull-credentials";

/** What belongs to the addon goes by OCM's label; this work is none of those that OCM makes and counts. */
const ours = { "app.kubernetes.io/managed-by": "spokeway" } as const;

/** All that the plan for one cluster looks at. */
export interface PullSnapshot {
  /** The addon on the cluster; undefined without it. */
  readonly addon: AddonView | undefined;
  readonly version: AddonVersion;
  /** Content of the pull secret (base64); undefined while there is none. */
  readonly data: string | undefined;
  /** Whether agents are to have one at all. */
  readonly isWanted: boolean;
  readonly work: KubeObject | undefined;
}

export type PullAction =
  | { readonly kind: "apply"; readonly work: ManifestWork }
  | { readonly kind: "remove"; readonly work: KubeObject };

/** Decides, and does nothing. What others made under that name is left alone. */
export function planPullWork(snapshot: PullSnapshot): PullAction | undefined {
  const { data, work } = snapshot;
  if (work !== undefined && !isOurs(work)) return undefined;
  const addon = addonToServe(snapshot);
  if (addon === undefined) return work && { kind: "remove", work };
  // An agent that runs may need it again: what is there stays until there is another.
  if (data === undefined) return undefined;
  const wanted = pullWork(addon, snapshot.version, data);
  return work !== undefined && isUpToDate(wanted, work)
    ? undefined
    : { kind: "apply", work: wanted };
}

/** The addon, where its agent is to have a pull secret from us. */
function addonToServe({ addon, isWanted }: PullSnapshot): AddonView | undefined {
  if (!isWanted || addon === undefined || addon.isDeleting) return undefined;
  return isDeliveredByOcm(addon) ? addon : undefined;
}

function isOurs({ metadata }: KubeObject): boolean {
  return isContained(ours, metadata.labels);
}

function isUpToDate(wanted: ManifestWork, work: KubeObject): boolean {
  const { labels, ownerReferences } = wanted.metadata;
  const { spec } = work as ManifestWork;
  return (
    isSame(wanted.spec.workload, spec.workload) &&
    isContained({ labels, ownerReferences }, work.metadata)
  );
}

function pullWork(addon: AddonView, version: AddonVersion, data: string): ManifestWork {
  const namespace = addon.status.namespace ?? defaultAgentInstallNamespace;
  const owner = ownerReferenceTo(`${addonGroup}/${version}`, "ManagedClusterAddOn", addon.object);
  const manifests = [pullSecretManifest(pullWorkName, namespace, data)];
  const work = {
    metadata: {
      name: pullWorkName,
      namespace: addon.cluster,
      labels: ours,
      ownerReferences: [owner],
    },
    spec: { workload: { manifests } },
  };
  return work as unknown as ManifestWork;
}
