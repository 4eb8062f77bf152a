import {
  type AccessProvider,
  type ClusterProfile,
  type ManagedServiceAccount,
  type ResourceType,
  type Secret,
} from "#api";
import type { EventOptions } from "#kube";
import { type GatewayDoor, type Reach, reachOf } from "../outputs/reach.ts";
import { hasOurs, planProviders } from "./access-providers.ts";
import { copyNameOf, desiredCopy, isCopyFor, isCurrent, isUsableName } from "./copies.ts";
import type { Standing } from "./standing.ts";

/** An account whose token belongs beside the profile. */
export interface SharedAccount {
  readonly account: ManagedServiceAccount;
  /** Its token Secret; undefined while there is none. */
  readonly source: Secret | undefined;
  /** The Secret of the copy's name, whoever made it. */
  readonly present: Secret | undefined;
}

/** All that the plan for one ClusterProfile looks at. */
export interface ProfileSnapshot {
  /** The version that copies name in their owner. */
  readonly type: ResourceType;
  readonly namespace: string;
  readonly name: string;
  readonly profile: ClusterProfile | undefined;
  readonly standing: Standing;
  /** Through which clusters without an address of their own are reached, if tokens may go there. */
  readonly gateway: GatewayDoor | undefined;
  /** Accounts of the cluster that are shared with this namespace, in order of name. */
  readonly accounts: readonly SharedAccount[];
  /** What was made for a profile of this name. */
  readonly copies: readonly Secret[];
}

export type ProfileAction =
  | { readonly kind: "create"; readonly secret: Secret }
  | { readonly kind: "replace"; readonly secret: Secret }
  | { readonly kind: "delete"; readonly secret: Secret }
  | { readonly kind: "writeProviders"; readonly providers: readonly AccessProvider[] };

/** What to do, and what people should hear. */
export interface ProfilePlan {
  readonly actions: readonly ProfileAction[];
  readonly remarks: readonly EventOptions[];
}

/** Decides, and does nothing. */
export function planProfile(snapshot: ProfileSnapshot): ProfilePlan {
  const parts = [planAccess(snapshot), planCopies(snapshot), planRemoval(snapshot)];
  return {
    actions: parts.flatMap(({ actions }) => actions),
    remarks: parts.flatMap(({ remarks }) => remarks),
  };
}

const nothing: ProfilePlan = { actions: [], remarks: [] };

function planAccess({ profile, standing, gateway }: ProfileSnapshot): ProfilePlan {
  if (profile === undefined) return nothing;
  const providers = profile.status.accessProviders ?? [];
  // An entry goes with the claim to the cluster.
  if (standing.kind === "foreign" && !hasOurs(providers)) return nothing;
  const access = accessOf(standing, gateway);
  const plan = planProviders(providers, access.clusterName, access.reach);
  if (plan.kind === "keep") return { actions: [], remarks: access.remarks };
  if (plan.kind === "write") {
    const { providers } = plan;
    return { actions: [{ kind: "writeProviders", providers }], remarks: access.remarks };
  }
  const message =
    "status.accessProviders has an entry open-cluster-management that another program made; it is left alone. Remove it to get ours";
  return { actions: [], remarks: [{ type: "Warning", reason: "AccessProviderNotOurs", message }] };
}

interface Access {
  readonly clusterName: string;
  readonly reach?: Reach;
  /** Why there is none. */
  readonly remarks: readonly EventOptions[];
}

/** A cluster's own address is the shortest way; the gateway is for those that have none. */
function accessOf(standing: Standing, gateway: GatewayDoor | undefined): Access {
  if (standing.kind === "foreign") return { clusterName: "", remarks: [] };
  if (standing.kind === "unbound") {
    const { clusterName } = standing;
    const message = `No bound ManagedClusterSetBinding of the namespace covers a cluster ${clusterName}: this profile gets no access to it`;
    return { clusterName, remarks: [{ type: "Warning", reason: "ClusterNotBound", message }] };
  }
  const { cluster: managedCluster } = standing;
  const { name: cluster } = managedCluster.metadata;
  const facts = { cluster, managedCluster, gateway };
  const direct = reachOf("Direct", facts);
  const verdict = direct.kind === "unreachable" ? reachOf("Gateway", facts) : direct;
  if (verdict.kind === "reachable") {
    return { clusterName: cluster, reach: verdict.reach, remarks: [] };
  }
  const message = `ManagedCluster ${cluster} has no https URL in spec.managedClusterClientConfigs, and there is no gateway that is open for tokens of accounts (outputs.gateway.enabled of the chart): status.accessProviders has no way to it`;
  return { clusterName: cluster, remarks: [{ type: "Warning", reason: verdict.reason, message }] };
}

function planCopies(snapshot: ProfileSnapshot): ProfilePlan {
  const { profile, standing, accounts } = snapshot;
  if (profile === undefined || standing.kind !== "bound" || accounts.length === 0) return nothing;
  if (standing.getsCredentials) {
    const plans = accounts.map((shared) => planCopy(snapshot, profile, shared));
    return {
      actions: plans.flatMap(({ actions }) => actions),
      remarks: plans.flatMap(({ remarks }) => remarks),
    };
  }
  const message = `Namespace ${snapshot.namespace} is none of those that get credentials (clusterProfileNamespaces of the chart); ${accounts.length} of cluster ${standing.cluster.metadata.name} are held back`;
  return { actions: [], remarks: [{ type: "Normal", reason: "CredentialsHeldBack", message }] };
}

function planCopy(
  { type, namespace, name }: ProfileSnapshot,
  profile: ClusterProfile,
  { account, source, present }: SharedAccount,
): ProfilePlan {
  const copyName = copyNameOf(account);
  if (!isUsableName(copyName)) {
    const message = `The copy of ManagedServiceAccount ${account.metadata.namespace}/${account.metadata.name} would be called ${copyName}, and no name is that long`;
    return { actions: [], remarks: [{ type: "Warning", reason: "CredentialNotCopied", message }] };
  }
  if (present !== undefined && !isCopyFor(name, present)) {
    const message = `Secret ${namespace}/${copyName} was made by others and is left alone; remove it to get the token of ManagedServiceAccount ${account.metadata.namespace}/${account.metadata.name}`;
    return { actions: [], remarks: [{ type: "Warning", reason: "SecretNotOurs", message }] };
  }
  // Without a token the copy that is there is better than none: its token may still be good.
  if (source === undefined) return nothing;
  const secret = desiredCopy(type, profile, copyName, source, present);
  if (present === undefined) return { actions: [{ kind: "create", secret }], remarks: [] };
  if (isCurrent(secret, present)) return nothing;
  return { actions: [{ kind: "replace", secret }], remarks: [] };
}

function planRemoval({ standing, accounts, copies }: ProfileSnapshot): ProfilePlan {
  const getsAny = standing.kind === "bound" && standing.getsCredentials;
  const wanted = new Set(getsAny ? accounts.map(({ account }) => copyNameOf(account)) : []);
  const actions = copies
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .filter(({ metadata }) => !wanted.has(metadata.name))
    .map((secret) => ({ kind: "delete", secret }) as const);
  return { actions, remarks: [] };
}
