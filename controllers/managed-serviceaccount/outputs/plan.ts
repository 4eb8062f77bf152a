import { isDeepStrictEqual } from "node:util";
import {
  type AccountOutputReason,
  accountOutputAnnotations,
  type ConfigMap,
  type ManagedServiceAccount,
  type ObjectMeta,
  accountOutputReasons as reasons,
  type Secret,
} from "#api";
import {
  isForProfiles,
  type OutputRequest,
  passFor,
  passPlaceOf,
  requestsOf,
  secretFor,
} from "./desired.ts";
import { reachOf } from "./reach.ts";
import { ownershipOf, type Refusal, refusalOf } from "./refusal.ts";
import { keyOfPlace, type MadeOutput, type OutputSnapshot, type Place } from "./snapshot.ts";

export type OutputAction =
  | {
      readonly kind: "write";
      readonly place: Place;
      readonly object: Secret | ConfigMap;
      /** Nothing may be there yet; otherwise it is replaced in the version that was seen. */
      readonly isNew: boolean;
    }
  | { readonly kind: "remove"; readonly place: Place; readonly metadata: ObjectMeta };

/** What became of one request. */
export interface OutputVerdict {
  readonly request: OutputRequest;
  /** Undefined when it is as asked, or will be after the actions. */
  readonly refusal: Refusal | undefined;
}

export interface OutputPlan {
  readonly actions: readonly OutputAction[];
  readonly verdicts: readonly OutputVerdict[];
}

/** Decides, and does nothing. */
export function planOutputs(snapshot: OutputSnapshot): OutputPlan {
  const { account } = snapshot;
  const verdicts: OutputVerdict[] = [];
  const writes: OutputAction[] = [];
  for (const request of requestsOf(account)) {
    const judged = judge(snapshot, request);
    verdicts.push({ request, refusal: "object" in judged ? undefined : judged });
    if ("object" in judged) writes.push(...writeUnlessSame(snapshot, request, judged.object));
  }
  const pass = passActions(snapshot, verdicts);
  const removals = removalsOf(snapshot, verdicts);
  // Who gets a new token must be let through with it; who loses one is stopped first.
  return { verdicts, actions: [...pass, ...writes, ...removals] };
}

/** Reasons for which nothing may stay: somebody has taken back what allowed it. */
const revoking: ReadonlySet<AccountOutputReason> = new Set([
  reasons.namespaceNotAllowed,
  reasons.gatewayNotAllowed,
  reasons.addonRemoved,
  reasons.serverTaken,
]);

type Judgement = Refusal | { readonly object: Secret };

function judge(snapshot: OutputSnapshot, request: OutputRequest): Judgement {
  const { account, token, ways } = snapshot;
  const refusal = refusalOf(snapshot, request);
  if (refusal !== undefined) return refusal;
  const verdict = reachOf(request.via, ways);
  if (verdict.kind === "unreachable") {
    return { reason: verdict.reason, message: `spec.outputs.${request.kind}: ${verdict.message}` };
  }
  const rival = rivalOf(snapshot, request, verdict.reach.server);
  if (rival !== undefined) return rival;
  if (account === undefined || token === undefined) {
    const message = `spec.outputs.${request.kind}: there is no usable token of the account in Secret ${snapshot.key} yet`;
    return { reason: reasons.tokenMissing, message };
  }
  return { object: secretFor(account, request, verdict.reach, token) };
}

/** Argo CD knows a cluster by its server: of two Secrets with the same one, it takes either. */
function rivalOf(
  { others, found }: OutputSnapshot,
  request: OutputRequest,
  server: string,
): Refusal | undefined {
  if (request.kind !== "argocd") return undefined;
  const ours = found.get(keyOfPlace(request))?.metadata;
  const rival = others.find(
    ({ kind, namespace, metadata }) =>
      kind === "argocd" &&
      namespace === request.namespace &&
      metadata.annotations?.[accountOutputAnnotations.server] === server &&
      (ours === undefined || isOlder(metadata, ours)),
  );
  if (rival === undefined) return undefined;
  const message = `spec.outputs.argocd: Secret ${rival.namespace}/${rival.name} already declares ${server} to the Argo CD there, and Argo CD cannot tell two of the same server apart`;
  return { reason: reasons.serverTaken, message };
}

function isOlder(a: ObjectMeta, b: ObjectMeta): boolean {
  const at = ({ creationTimestamp = "", name }: ObjectMeta) => `${creationTimestamp} ${name}`;
  return at(a) < at(b);
}

function passActions(
  snapshot: OutputSnapshot,
  verdicts: readonly OutputVerdict[],
): readonly OutputAction[] {
  const { account, token, key, policy, made } = snapshot;
  const place = passPlaceOf(key, policy);
  const passes = made.filter(({ kind }) => kind === "gateway-pass");
  if (place === undefined || account === undefined || !isPassWanted(snapshot, account, verdicts)) {
    return passes.map(remove);
  }
  if (token === undefined || ownershipOf(snapshot, place) !== undefined) return [];
  return writeUnlessSame(snapshot, place, passFor(account, place, token, snapshot));
}

function isPassWanted(
  { isServed, policy }: OutputSnapshot,
  account: ManagedServiceAccount,
  verdicts: readonly OutputVerdict[],
): boolean {
  if (!isServed) return false;
  if (policy.hasPassesForProfiles && isForProfiles(account)) return true;
  return verdicts.some(({ request, refusal }) => request.via === "Gateway" && !isRevoked(refusal));
}

/** What is refused for another reason keeps its last good state. */
function removalsOf(
  { made }: OutputSnapshot,
  verdicts: readonly OutputVerdict[],
): readonly OutputAction[] {
  return made
    .filter(({ kind }) => kind !== "gateway-pass")
    .filter((output) => {
      const verdict = verdicts.find(({ request }) => request.kind === output.kind);
      if (verdict === undefined || isRevoked(verdict.refusal)) return true;
      return verdict.refusal === undefined && keyOfPlace(output) !== keyOfPlace(verdict.request);
    })
    .map(remove);
}

function isRevoked(refusal: Refusal | undefined): boolean {
  return refusal !== undefined && revoking.has(refusal.reason);
}

function remove({ metadata, kind, namespace, name }: MadeOutput): OutputAction {
  return { kind: "remove", place: { kind, namespace, name }, metadata };
}

function writeUnlessSame(
  { found }: OutputSnapshot,
  place: Place,
  object: Secret | ConfigMap,
): readonly OutputAction[] {
  const present = found.get(keyOfPlace(place));
  if (present === undefined) return [{ kind: "write", place, object, isNew: true }];
  if (isSame(present, object)) return [];
  const { annotations, resourceVersion } = present.metadata;
  const metadata = {
    ...object.metadata,
    resourceVersion,
    // Argo CD and others note things of their own there.
    annotations: { ...annotations, ...object.metadata.annotations },
  };
  return [{ kind: "write", place, object: { ...object, metadata }, isNew: false }];
}

function isSame(present: Secret | ConfigMap, wanted: Secret | ConfigMap): boolean {
  const { labels, annotations = {}, ownerReferences = [] } = present.metadata;
  return (
    isDeepStrictEqual(present.data ?? {}, wanted.data) &&
    isDeepStrictEqual(labels, wanted.metadata.labels) &&
    isDeepStrictEqual(ownerReferences, wanted.metadata.ownerReferences ?? []) &&
    Object.entries(wanted.metadata.annotations ?? {}).every(
      ([key, value]) => annotations[key] === value,
    )
  );
}
