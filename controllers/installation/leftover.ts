import { apiVersionOf, type KubeObject, type Secret, secrets } from "#api";
import type { Action, AuthorityPlace } from "./action.ts";
import type { AuthoritySource } from "./authority-rotation.ts";
import type { Owner } from "./owner.ts";

/**
 * True for an object that an earlier installation has left behind: it goes with a configuration of
 * the same kind that is gone, and garbage collection will take it sooner or later. Whatever has no
 * such owner was put there by somebody, and counts.
 */
export function isLeftover(
  { metadata: { ownerReferences = [] } }: KubeObject,
  { type, object }: Pick<Owner, "type" | "object">,
): boolean {
  const group = apiVersionOf(type).split("/", 1)[0];
  const owners = ownerReferences.filter(
    ({ apiVersion, kind }) => kind === type.kind && apiVersion.split("/", 1)[0] === group,
  );
  return owners.length > 0 && owners.every(({ uid }) => uid !== object.metadata.uid);
}

/** The object, unless an earlier installation has left it behind. */
export function unlessLeftover<T extends KubeObject>(
  object: T | undefined,
  owner: Pick<Owner, "type" | "object">,
): T | undefined {
  return object === undefined || isLeftover(object, owner) ? undefined : object;
}

/** Brings an authority about where there is none; one of an earlier installation is removed first. */
export function makeAuthorityAt(
  place: AuthorityPlace,
  found: Secret | undefined,
  source: AuthoritySource = { kind: "own" },
): readonly Action[] {
  const make: Action = { kind: "makeAuthority", place, source };
  return found === undefined ? [make] : [{ kind: "discard", type: secrets, object: found }, make];
}
