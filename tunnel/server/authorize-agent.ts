import type { PeerCertificate } from "node:tls";
import type { AgentIdentifiers } from "../wire/identifiers.ts";

/** What is known of an agent that wants to connect. */
export interface AgentClaim {
  readonly agentId: string;
  readonly identifiers: AgentIdentifiers;
  /** The certificate that its connection was made with. */
  readonly certificate: PeerCertificate | undefined;
  /** The bearer token that it sent, if any. */
  readonly authorization: readonly string[];
}

/** Why an agent may not serve what it claims, or `undefined` when it may. */
export type AuthorizeAgent = (
  claim: AgentClaim,
) => Promise<string | undefined> | string | undefined;

/** Any agent with a certificate of the agents' CA may claim anything, as upstream has it. */
export const sharedIdentity: AuthorizeAgent = () => undefined;

/**
 * An agent may serve the names in its certificate (DNS names, IP addresses, and the common name)
 * and nothing else: no other cluster's host, and no default route. Certificates whose common name
 * is one of `sharedNames` say nothing about what they are for, and may claim anything.
 */
export function certificateIdentity(
  sharedNames: readonly string[] = [],
): (claim: AgentClaim) => string | undefined {
  return ({ identifiers, certificate }) => {
    if (certificate === undefined) return "the agent presented no certificate";
    const isShared = commonNamesOf(certificate).some((name) => sharedNames.includes(name));
    return isShared ? undefined : foreignClaim(identifiers, certificate);
  };
}

function foreignClaim(
  identifiers: AgentIdentifiers,
  certificate: PeerCertificate,
): string | undefined {
  const allowed = namesOf(certificate);
  const { hosts, ipv4, ipv6, isDefaultRoute } = identifiers;
  if (isDefaultRoute) return "a certificate cannot allow the default route";
  const foreign = [...hosts, ...ipv4, ...ipv6].filter((name) => !allowed.has(name));
  if (foreign.length === 0) return undefined;
  return `its certificate does not name ${foreign.join(", ")}`;
}

/** What Node shows as `DNS:a, IP Address:1.2.3.4`, without the kinds. */
function namesOf(certificate: PeerCertificate): ReadonlySet<string> {
  const names = (certificate.subjectaltname ?? "")
    .split(", ")
    .flatMap((entry) => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1] ?? []);
  return new Set([...names, ...commonNamesOf(certificate)]);
}

/** A certificate should have one, and may have several or none. */
export function commonNamesOf({ subject }: PeerCertificate): readonly string[] {
  const { CN } = subject as { readonly CN?: string | string[] };
  return [CN ?? []].flat();
}
