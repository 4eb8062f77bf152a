import {
  type Condition,
  type ConditionUpdate,
  type Deployment,
  proxyConditionTypes,
  timestamp,
  withCondition,
} from "#api";
import { certificateIn } from "../../certificate-plan.ts";
import type { TunnelCertificate } from "./certificates.ts";
import type { ObservedCertificate, Snapshot } from "./gather.ts";

const typeOfRole = {
  proxyServer: proxyConditionTypes.proxyServerSigned,
  agentServer: proxyConditionTypes.agentServerSigned,
  proxyClient: proxyConditionTypes.proxyClientSigned,
  userServer: proxyConditionTypes.userServerSigned,
} as const satisfies Record<TunnelCertificate["role"], string>;

/** The conditions of a configuration, from what was seen and what went wrong, if anything did. */
export function conditionsAfter(
  snapshot: Snapshot,
  failure: string | undefined,
  now: Date,
): readonly Condition[] {
  const { generation } = snapshot.configuration.metadata;
  const updates = [
    deployed(snapshot, failure),
    ...snapshot.certificates.map((certificate) => signed(certificate, failure)),
  ];
  let { conditions } = snapshot.configuration.status as { conditions: readonly Condition[] };
  for (const update of updates) {
    const observed = generation === undefined ? {} : { observedGeneration: generation };
    conditions = withCondition(conditions, { ...update, ...observed }, now);
  }
  return withoutUnwanted(conditions, snapshot);
}

/** The conditions of a configuration that cannot be used. */
export function conditionsOfRefusal(
  conditions: readonly Condition[],
  message: string,
  generation: number | undefined,
  now: Date,
): readonly Condition[] {
  const type = proxyConditionTypes.deployed;
  const update = { type, status: "False", reason: "InvalidConfiguration", message } as const;
  const observed = generation === undefined ? {} : { observedGeneration: generation };
  return withCondition(conditions, { ...update, ...observed }, now);
}

function deployed(
  { deployment, hasEntrypoint, configuration }: Snapshot,
  failure: string | undefined,
): ConditionUpdate {
  const type = proxyConditionTypes.deployed;
  const no = { type, status: "False", reason: "NotYetDeployed" } as const;
  if (failure !== undefined) return { ...no, message: failure };
  const { replicas } = configuration.spec.proxyServer;
  const message = `Replicas: ${deployment?.status?.availableReplicas ?? 0} of ${replicas} available`;
  if (!isAvailable(deployment, replicas)) return { ...no, message };
  if (!hasEntrypoint) return { ...no, message: "external ip not yet provisioned" };
  return { type, status: "True", reason: "SuccessfullyDeployed", message };
}

/** True when pods of the present template serve, as many as are wanted. */
export function isAvailable(deployment: Deployment | undefined, replicas: number): boolean {
  const {
    observedGeneration,
    updatedReplicas = 0,
    availableReplicas = 0,
  } = deployment?.status ?? {};
  if (deployment === undefined || observedGeneration !== deployment.metadata.generation) {
    return false;
  }
  return updatedReplicas >= replicas && availableReplicas >= replicas;
}

function signed(certificate: ObservedCertificate, failure: string | undefined): ConditionUpdate {
  const type = typeOfRole[certificate.wanted.role];
  const found = certificateIn(certificate.secret);
  if (found === undefined) {
    return { type, status: "False", reason: "NotYetSigned", message: failure ?? "" };
  }
  const message = `Expiry:${timestamp(found.notAfter)}`;
  return { type, status: "True", reason: "SuccessfullySigned", message };
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
