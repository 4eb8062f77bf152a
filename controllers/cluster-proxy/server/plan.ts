import { type Action, applies } from "../../installation/action.ts";
import { planRotation, trustedPem } from "../../installation/authority-rotation.ts";
import { whyReissue } from "../../installation/certificates.ts";
import type { Plan } from "../../installation/installation.ts";
import { makeAuthorityAt, unlessLeftover } from "../../installation/leftover.ts";
import {
  type AuthorityPlaces,
  authorityNames,
  byAuthority,
  loadAuthorities,
} from "./authorities.ts";
import { type DesiredOptions, desiredObjects, ownerOf } from "./desired.ts";
import type { Snapshot } from "./gather.ts";

/**
 * Decides, and does nothing. Where an authority is missing, left by an earlier
 * installation or to be rotated, it comes first, and
 * all the rest waits for the next look. Throws a `TerminalError` when one is there that cannot be used.
 */
export function plan(
  snapshot: Snapshot,
  places: AuthorityPlaces,
  options: DesiredOptions,
  now: Date,
): Plan {
  return { actions: actionsFor(snapshot, places, options, now), missing: undefined };
}

function actionsFor(
  snapshot: Snapshot,
  places: AuthorityPlaces,
  options: DesiredOptions,
  now: Date,
): readonly Action[] {
  const owner = ownerOf(snapshot.configuration);
  const signers = byAuthority((name) => unlessLeftover(snapshot.signers[name], owner));
  const authorities = loadAuthorities(signers);
  const missing = authorityNames.filter((name) => authorities[name] === undefined);
  if (missing.length > 0) {
    return missing.flatMap((name) => makeAuthorityAt(places[name], snapshot.signers[name]));
  }
  const steps = authorityNames.flatMap((name): readonly Action[] => {
    const secret = snapshot.signers[name];
    const rotation = secret && planRotation(secret, options.authorityOverlapMs, now);
    if (secret === undefined || rotation?.kind !== "step") return [];
    return [{ kind: "rotateAuthority", place: places[name], secret, step: rotation.step }];
  });
  if (steps.length > 0) return steps;
  const issues = snapshot.certificates.flatMap(({ wanted, secret }): readonly Action[] => {
    const authority = authorities[wanted.authority];
    const violation = authority && whyReissue(wanted, secret, authority, now);
    if (authority === undefined || violation === undefined) return [];
    return [{ kind: "issue", certificate: wanted, authority, why: violation.message }];
  });
  const ca = byAuthority((name) => trustedPem(snapshot.signers[name]));
  return [...issues, ...applies(desiredObjects(snapshot.configuration, ca, options))];
}
