import {
  type AccountOutputReason,
  accountOutputKinds,
  accountOutputLabels,
  accountOutputReasons as reasons,
} from "#api";
import { type OutputRequest, passPlaceOf } from "./desired.ts";
import { keyOfPlace, type OutputSnapshot, ownerKeyOf, type Place } from "./snapshot.ts";

/** Why an output cannot be as asked, and what to do about it. */
export interface Refusal {
  readonly reason: AccountOutputReason;
  readonly message: string;
}

type Check = (snapshot: OutputSnapshot, request: OutputRequest) => Refusal | undefined;

/** What has to hold before anything of the account's is shown to anybody; the first that fails counts. */
const checks: readonly Check[] = [
  namespaceIsAllowed,
  addonIsThere,
  gatewayIsAllowed,
  secretIsOurs,
  passIsOurs,
];

/** The first rule that the request does not keep. */
export function refusalOf(snapshot: OutputSnapshot, request: OutputRequest): Refusal | undefined {
  for (const check of checks) {
    const refusal = check(snapshot, request);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function namespaceIsAllowed(
  { ways, policy }: OutputSnapshot,
  { kind, namespace }: OutputRequest,
): Refusal | undefined {
  if (namespace === ways.cluster || policy.namespaces.includes(namespace)) return undefined;
  const allowed = [ways.cluster, ...policy.namespaces].join(", ");
  const message = `spec.outputs.${kind}.namespace: "${namespace}" is none that the hub's administrator allows (${allowed}); see outputs.namespaces of the chart managed-serviceaccount`;
  return { reason: reasons.namespaceNotAllowed, message };
}

function addonIsThere(
  { isServed, ways }: OutputSnapshot,
  { kind }: OutputRequest,
): Refusal | undefined {
  if (isServed) return undefined;
  const message = `spec.outputs.${kind}: cluster ${ways.cluster} has no addon managed-serviceaccount, or is losing it: nobody keeps the token`;
  return { reason: reasons.addonRemoved, message };
}

function gatewayIsAllowed(
  { policy }: OutputSnapshot,
  { kind, via }: OutputRequest,
): Refusal | undefined {
  if (via !== "Gateway" || policy.passNamespace !== "") return undefined;
  const message = `spec.outputs.${kind}.via: "Gateway" needs a gateway that takes tokens of accounts; set outputs.gateway.enabled of the chart managed-serviceaccount, or use Direct`;
  return { reason: reasons.gatewayNotAllowed, message };
}

function secretIsOurs(snapshot: OutputSnapshot, request: OutputRequest): Refusal | undefined {
  return ofField(`${request.kind}.secretName`, ownershipOf(snapshot, request));
}

function passIsOurs(snapshot: OutputSnapshot, { kind, via }: OutputRequest): Refusal | undefined {
  const place = passPlaceOf(snapshot.key, snapshot.policy);
  if (via !== "Gateway" || place === undefined) return undefined;
  return ofField(`${kind}.via`, ownershipOf(snapshot, place));
}

function ofField(field: string, refusal: Refusal | undefined): Refusal | undefined {
  return refusal && { ...refusal, message: `spec.outputs.${field}: ${refusal.message}` };
}

/** Nothing that others made is ever written over, and nothing of another account or purpose. */
export function ownershipOf(
  { found, key }: Pick<OutputSnapshot, "found" | "key">,
  place: Place,
): Refusal | undefined {
  const metadata = found.get(keyOfPlace(place))?.metadata;
  if (metadata === undefined) return undefined;
  const owner = ownerKeyOf(metadata);
  const { [accountOutputLabels.output]: kind = place.kind } = metadata.labels ?? {};
  if (owner === key && kind === place.kind) return undefined;
  const what = place.kind === accountOutputKinds.gatewayPass ? "ConfigMap" : "Secret";
  const name = `${what} ${place.namespace}/${place.name}`;
  if (owner === undefined) {
    const message = `${name} was made by others and is left alone; remove it, or choose another name`;
    return { reason: reasons.secretNotOurs, message };
  }
  const message = `${name} is the ${kind} of ManagedServiceAccount ${owner}; choose another name`;
  return { reason: reasons.secretTaken, message };
}
