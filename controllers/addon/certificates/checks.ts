import { signerNames } from "#api";
import type { Registration } from "../addon-view.ts";
import { everyone } from "../subject.ts";
import type { Snapshot } from "./snapshot.ts";

/** Why a request is left alone. */
export type Reason =
  | "ClusterNotAccepted"
  | "AddonNotFound"
  | "RequesterIsNotTheCluster"
  | "SignerNotRegistered"
  | "RequestUnreadable"
  | "SubjectDiffers"
  | "UsagesDiffer"
  | "NamesDiffer";

export interface Objection {
  readonly reason: Reason;
  readonly message: string;
}

type Check = (snapshot: Snapshot) => Objection | undefined;

const clusterIsNotAccepted: Check = ({ cluster, clusterName }) =>
  cluster?.spec.hubAcceptsClient === true && cluster.metadata.deletionTimestamp === undefined
    ? undefined
    : { reason: "ClusterNotAccepted", message: `Hub has not accepted cluster "${clusterName}"` };

const addonIsMissing: Check = ({ hasAddon, addonName, clusterName }) =>
  hasAddon
    ? undefined
    : { reason: "AddonNotFound", message: `Cluster ${clusterName} does not have ${addonName}` };

/**
 * A klusterlet logs in as `system:open-cluster-management:<cluster>:<agent>`. What follows the
 * cluster must hold no colon: users of addon agents begin in the same way, and a cluster may be
 * called as the next part of theirs.
 */
const requesterIsAnother: Check = ({ request, clusterName }) => {
  const { username = "", groups = [] } = request.spec;
  const ofCluster = `system:open-cluster-management:${clusterName}`;
  const isAgent = username.startsWith(`${ofCluster}:`);
  const agent = username.slice(ofCluster.length + 1);
  if (isAgent && agent !== "" && !agent.includes(":") && groups.includes(ofCluster)) {
    return undefined;
  }
  return {
    reason: "RequesterIsNotTheCluster",
    message: `Requester "${username}" is not the klusterlet of cluster ${clusterName}`,
  };
};

const signerIsUnknown: Check = (snapshot) =>
  registrationOf(snapshot) === undefined
    ? {
        reason: "SignerNotRegistered",
        message: `${snapshot.addonName} does not register with ${snapshot.request.spec.signerName}`,
      }
    : undefined;

const requestIsUnreadable: Check = ({ asked }) =>
  asked === undefined
    ? { reason: "RequestUnreadable", message: "Request is not a signed PKCS#10 request" }
    : undefined;

const subjectDiffers: Check = (snapshot) => {
  const { asked } = snapshot;
  const wanted = registrationOf(snapshot);
  if (asked === undefined || wanted === undefined) return undefined;
  const units = wanted.kind === "customSigner" ? wanted.organizationUnits : [];
  const groups = asked.organizations.filter((group) => group !== everyone);
  const isWanted =
    asked.commonName === wanted.user &&
    isSameSet(groups, wanted.groups) &&
    isSameSet(asked.organizationalUnits, units);
  if (isWanted) return undefined;
  return {
    reason: "SubjectDiffers",
    message: `Subject "${asked.commonName}" of ${asked.organizations.join(", ")} is not what the addon registers`,
  };
};

const allowedUsages: ReadonlySet<string> = new Set([
  "digital signature",
  "key encipherment",
  "client auth",
]);

const usagesDiffer: Check = ({ request }) => {
  const { usages = [] } = request.spec;
  const isFine =
    usages.includes("client auth") && usages.every((usage) => allowedUsages.has(usage));
  return isFine
    ? undefined
    : { reason: "UsagesDiffer", message: `Usages ${usages.join(", ")} are not those of a client` };
};

const namesDiffer: Check = ({ asked, addonName }) => {
  const allowed = `${addonName}.addon.open-cluster-management.io`;
  const others = (asked?.names ?? []).filter((name) => name !== allowed);
  return others.length === 0
    ? undefined
    : { reason: "NamesDiffer", message: `Alternative names ${others.join(", ")} are not allowed` };
};

/** In order: the first objection is what people read, so the plainest come first. */
const checks: readonly Check[] = [
  clusterIsNotAccepted,
  addonIsMissing,
  requesterIsAnother,
  signerIsUnknown,
  requestIsUnreadable,
  subjectDiffers,
  usagesDiffer,
  namesDiffer,
];

/** The first objection to the request, or undefined when the agent may have the certificate. */
export function objectionTo(snapshot: Snapshot): Objection | undefined {
  for (const check of checks) {
    const objection = check(snapshot);
    if (objection !== undefined) return objection;
  }
  return undefined;
}

function registrationOf({ request, registrations }: Snapshot): Registration | undefined {
  const { signerName } = request.spec;
  return registrations.find((entry) =>
    entry.kind === "kubeClient"
      ? signerName === signerNames.kubeApiserverClient && entry.driver !== "token"
      : signerName === entry.signerName,
  );
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && new Set([...a, ...b]).size === new Set(b).size;
}
