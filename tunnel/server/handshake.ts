import type { PeerCertificate } from "node:tls";
import { type Metadata, status } from "@grpc/grpc-js";
import { headers } from "../rpc/services.ts";
import { TunnelError } from "../tunnel-error.ts";
import { parseIdentifiers } from "../wire/identifiers.ts";
import type { AgentClaim } from "./authorize-agent.ts";

/** Why a stream is refused, as gRPC says it. */
export interface Refusal {
  readonly code: status;
  readonly details: string;
}

/** What an agent says about itself in its request headers, or why that cannot be used. */
export function readClaim(
  metadata: Metadata,
  certificate: PeerCertificate | undefined,
): AgentClaim | Refusal {
  const agentIds = metadata.get(headers.agentId).map(String);
  const [agentId] = agentIds;
  if (agentId === undefined || agentIds.length > 1) {
    return invalid(`expected one agent ID in the context, got [${agentIds.join(" ")}]`);
  }
  const sets = metadata.get(headers.agentIdentifiers).map(String);
  if (sets.length > 1) {
    const got = sets.join(" ");
    return invalid(`expected at most one set of agent identifiers in the context, got [${got}]`);
  }
  try {
    const identifiers = parseIdentifiers(sets[0] ?? "");
    const authorization = metadata.get(headers.authorization).map(String);
    return { agentId, identifiers, certificate, authorization };
  } catch (error) {
    return invalid(TunnelError.from(error, "protocol").message);
  }
}

function invalid(details: string): Refusal {
  return { code: status.INVALID_ARGUMENT, details };
}
