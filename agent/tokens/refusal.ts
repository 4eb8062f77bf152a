import {
  type KubeObject,
  type ManagedServiceAccountReason,
  managedServiceAccountAnnotations,
  managedServiceAccountLabels,
  managedServiceAccountReasons as reasons,
} from "#api";
import type { PlanSettings, Snapshot } from "./snapshot.ts";
import { readValidity } from "./validity.ts";

/** Why nothing is done for an account until a person has changed something. */
export interface Refusal {
  readonly reason: ManagedServiceAccountReason;
  readonly message: string;
}

type Check = (snapshot: Snapshot, settings: PlanSettings) => Refusal | undefined;

const validityIsUnusable: Check = ({ account }) => {
  const validity = readValidity(account);
  if (validity.kind === "usable") return undefined;
  return { reason: reasons.invalidValidity, message: validity.message };
};

const serviceAccountIsOurOwn: Check = ({ account }, { agentNamespace, ownNames }) => {
  const { name } = account.metadata;
  if (!ownNames.has(name)) return undefined;
  const message = `metadata.name "${name}": ServiceAccount ${agentNamespace}/${name} is the agent's own and is not handed out; choose another name`;
  return { reason: reasons.serviceAccountNotOurs, message };
};

const serviceAccountIsForeign: Check = ({ serviceAccount }, { agentNamespace, adoptsAny }) => {
  if (serviceAccount === undefined || adoptsAny) return undefined;
  if (isManaged(serviceAccount) || asksForAdoption(serviceAccount)) return undefined;
  const { name } = serviceAccount.metadata;
  const { adopt } = managedServiceAccountAnnotations;
  const message = `metadata.name "${name}": ServiceAccount ${agentNamespace}/${name} on the managed cluster was made by others; annotate it ${adopt}=true to have its token handed out, or choose another name`;
  return { reason: reasons.serviceAccountNotOurs, message };
};

const secretIsForeign: Check = ({ secret, account }) => {
  if (secret === undefined || isManaged(secret) || isOwnedBy(secret, account)) return undefined;
  const { name, namespace } = secret.metadata;
  const message = `metadata.name "${name}": Secret ${namespace}/${name} on the hub was made by others and is not overwritten; remove it, or choose another name`;
  return { reason: reasons.secretNotOurs, message };
};

const checks: readonly Check[] = [
  validityIsUnusable,
  serviceAccountIsOurOwn,
  serviceAccountIsForeign,
  secretIsForeign,
];

/** The first reason not to act for the account, or undefined. */
export function reasonToRefuse(snapshot: Snapshot, settings: PlanSettings): Refusal | undefined {
  for (const check of checks) {
    const refusal = check(snapshot, settings);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** True for what an agent has made: it carries the label. */
export function isManaged({ metadata }: KubeObject): boolean {
  return metadata.labels?.[managedServiceAccountLabels.managed] === "true";
}

function asksForAdoption({ metadata }: KubeObject): boolean {
  return metadata.annotations?.[managedServiceAccountAnnotations.adopt] === "true";
}

/** True when garbage collection would remove the object with its owner. */
function isOwnedBy({ metadata }: KubeObject, owner: KubeObject): boolean {
  return metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid) ?? false;
}
