import { type Action, applies } from "../../installation/action.ts";
import { planRotation, trustedPem } from "../../installation/authority-rotation.ts";
import { whyReissue } from "../../installation/certificates.ts";
import type { Plan } from "../../installation/installation.ts";
import { makeAuthorityAt, unlessLeftover } from "../../installation/leftover.ts";
import {
  type AuthorityName,
  type AuthorityPlaces,
  authorityNames,
  type ByAuthority,
  byAuthority,
  loadAuthorities,
} from "./authorities.ts";
import { authorityRequests } from "./cert-manager.ts";
import { type DesiredOptions, desiredObjects, ownerOf } from "./desired.ts";
import type { Snapshot } from "./gather.ts";
import { removals } from "./obsolete.ts";
import { type JudgedSource, judgeSources } from "./sources.ts";

/**
 * Decides, and does nothing. Where an authority is missing, left by an earlier installation or to be
 * rotated, it comes first, and all the rest waits for the next look. Throws a `TerminalError` when
 * one is there that cannot be used.
 */
export function plan(
  snapshot: Snapshot,
  places: AuthorityPlaces,
  options: DesiredOptions,
  now: Date,
): Plan {
  const { signer } = snapshot.configuration.spec.authentication;
  const judged = judgeSources(signer, places, snapshot.sources, now);
  // Last: whatever becomes of them, the tunnel goes on with the authorities that it has.
  const requests = applies(authorityRequests(snapshot, places));
  const { actions, missing } = planTunnel(snapshot, judged, { places, options, now });
  return { actions: [...actions, ...requests], missing };
}

interface PlanContext {
  readonly places: AuthorityPlaces;
  readonly options: DesiredOptions;
  readonly now: Date;
}

function planTunnel(
  snapshot: Snapshot,
  judged: ByAuthority<JudgedSource>,
  { places, options, now }: PlanContext,
): Plan {
  const owner = ownerOf(snapshot.configuration);
  const signers = byAuthority((name) => unlessLeftover(snapshot.signers[name], owner));
  const authorities = loadAuthorities(signers);
  const missing = authorityNames.filter((name) => authorities[name] === undefined);
  if (missing.length > 0) return planAuthorities(missing, snapshot, judged, places);
  const steps = authorityNames.flatMap((name): readonly Action[] => {
    const { source } = judged[name];
    const secret = signers[name];
    const rotation = secret && planRotation(secret, source, options.authorityOverlapMs, now);
    if (secret === undefined || rotation?.kind !== "step") return [];
    return [{ kind: "rotateAuthority", place: places[name], secret, step: rotation.step, source }];
  });
  if (steps.length > 0) return { actions: steps, missing: undefined };
  const issues = snapshot.certificates.flatMap(({ wanted, secret }): readonly Action[] => {
    const authority = authorities[wanted.authority];
    const violation = authority && whyReissue(wanted, secret, authority, now);
    if (authority === undefined || violation === undefined) return [];
    return [{ kind: "issue", certificate: wanted, authority, why: violation.message }];
  });
  const ca = byAuthority((name) => trustedPem(signers[name]));
  const { configuration, isForwarded, conditional } = snapshot;
  const objects = desiredObjects(configuration, { ca, isForwarded }, options);
  const obsolete = removals(configuration, conditional, objects);
  return { actions: [...issues, ...applies(objects), ...obsolete], missing: undefined };
}

function planAuthorities(
  missing: readonly AuthorityName[],
  { signers }: Snapshot,
  judged: ByAuthority<JudgedSource>,
  places: AuthorityPlaces,
): Plan {
  const available = missing.filter((name) => judged[name].source.kind !== "waiting");
  const awaited = missing.find((name) => judged[name].source.kind === "waiting");
  return {
    actions: available.flatMap((name) =>
      makeAuthorityAt(places[name], signers[name], judged[name].source),
    ),
    missing: awaited && judged[awaited].problem?.message,
  };
}
