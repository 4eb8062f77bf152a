import { type Condition, type ConditionUpdate, proxyConditionTypes, timestamp } from "#api";
import { authorityState } from "../../installation/authority-rotation.ts";
import { isAvailable, replicasMessage } from "../../installation/availability.ts";
import { certificateIn } from "../../installation/certificates.ts";
import { conditionsWith } from "../../installation/configuration-status.ts";
import { type AuthorityPlaces, authorityNames } from "./authorities.ts";
import type { TunnelCertificate } from "./certificates.ts";
import type { ObservedCertificate, Snapshot } from "./gather.ts";
import { judgeSources } from "./sources.ts";

const typeOfRole = {
  proxyServer: proxyConditionTypes.proxyServerSigned,
  agentServer: proxyConditionTypes.agentServerSigned,
  proxyClient: proxyConditionTypes.proxyClientSigned,
  userServer: proxyConditionTypes.userServerSigned,
  userServerClient: proxyConditionTypes.userServerClientSigned,
} as const satisfies Record<TunnelCertificate["role"], string>;

/** The conditions of a configuration, from what was seen and what went wrong, if anything did. */
export function conditionsAfter(
  snapshot: Snapshot,
  places: AuthorityPlaces,
  failure: string | undefined,
  now: Date,
): readonly Condition[] {
  const updates = [
    deployed(snapshot, failure),
    ...snapshot.certificates.map((certificate) => signed(certificate, failure, now)),
    signerReady(snapshot, places, now),
    authoritiesValid(snapshot, now),
  ];
  return withoutUnwanted(conditionsWith(snapshot.configuration, updates, now), snapshot);
}

function deployed(
  { deployment, hasEntrypoint, configuration }: Snapshot,
  failure: string | undefined,
): ConditionUpdate {
  const type = proxyConditionTypes.deployed;
  const no = { type, status: "False", reason: "NotYetDeployed" } as const;
  if (failure !== undefined) return { ...no, message: failure };
  const { replicas } = configuration.spec.proxyServer;
  const message = replicasMessage(deployment, replicas);
  if (!isAvailable(deployment, replicas)) return { ...no, message };
  if (!hasEntrypoint) return { ...no, message: "external ip not yet provisioned" };
  return { type, status: "True", reason: "SuccessfullyDeployed", message };
}

function signed(
  certificate: ObservedCertificate,
  failure: string | undefined,
  now: Date,
): ConditionUpdate {
  const type = typeOfRole[certificate.wanted.role];
  const found = certificateIn(certificate.secret);
  if (found === undefined) {
    return { type, status: "False", reason: "NotYetSigned", message: failure ?? "" };
  }
  const message = `Expiry:${timestamp(found.notAfter)}`;
  if (found.notAfter <= now) return { type, status: "False", reason: "Expired", message };
  return { type, status: "True", reason: "SuccessfullySigned", message };
}

/** Whether whoever is to make the authorities does; while not, those that are there go on. */
function signerReady(snapshot: Snapshot, places: AuthorityPlaces, now: Date): ConditionUpdate {
  const type = proxyConditionTypes.signerReady;
  const { signer } = snapshot.configuration.spec.authentication;
  const judged = judgeSources(signer, places, snapshot.sources, now);
  const problems = authorityNames.flatMap((name) => judged[name].problem ?? []);
  const blocking = problems.find(({ reason }) => reason !== "RenewalDue");
  const message = problems.map((problem) => problem.message).join("; ");
  if (blocking !== undefined) return { type, status: "False", reason: blocking.reason, message };
  return { type, status: "True", reason: problems[0]?.reason ?? signer.type, message };
}

function authoritiesValid({ signers }: Snapshot, now: Date): ConditionUpdate {
  const type = proxyConditionTypes.authoritiesValid;
  const states = authorityNames.map((name) => ({ name, state: authorityState(signers[name]) }));
  const message = states
    .map(({ name, state }) => `${name}:${state ? timestamp(state.certificate.notAfter) : "none"}`)
    .join(" ");
  if (states.some(({ state }) => state === undefined || state.certificate.notAfter <= now)) {
    return { type, status: "False", reason: "MissingOrExpired", message };
  }
  const isRotating = states.some(({ state }) => state?.isRotating === true);
  return { type, status: "True", reason: isRotating ? "Rotating" : "Valid", message };
}

/** A certificate that is no longer asked for has no condition. */
function withoutUnwanted(
  conditions: readonly Condition[],
  { certificates }: Snapshot,
): readonly Condition[] {
  const wanted = new Set<string>(certificates.map(({ wanted: { role } }) => typeOfRole[role]));
  const ours = new Set<string>(Object.values(typeOfRole));
  return conditions.filter(({ type }) => !ours.has(type) || wanted.has(type));
}
