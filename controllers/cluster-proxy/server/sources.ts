import type { AuthoritySigner, CertManagerCertificate, Secret } from "#api";
import {
  type Authority,
  type KeyPair,
  loadAuthority,
  PkiError,
  parseCertificates,
  renewalTime,
} from "#pki";
import type { AuthorityPlace } from "../../installation/action.ts";
import type { AuthoritySource } from "../../installation/authority-rotation.ts";
import { authorityPairOf, keyPairOf } from "../../installation/tls-secret.ts";
import {
  type AuthorityName,
  authorityNames,
  type ByAuthority,
  byAuthority,
} from "./authorities.ts";

/** What was found where the authorities are to come from; undefined where we make them. */
export interface FoundSources {
  /** False while cert-manager is wanted and the hub does not serve its API. */
  readonly isServed: boolean;
  readonly secrets: ByAuthority<Secret | undefined>;
  /** Only with cert-manager. */
  readonly certificates: ByAuthority<CertManagerCertificate | undefined>;
}

/** Where the Secret of a given authority is; undefined where we make them ourselves. */
export function sourcePlaces(
  signer: AuthoritySigner,
  places: ByAuthority<AuthorityPlace>,
): ByAuthority<{ readonly namespace: string; readonly name: string }> | undefined {
  const names = sourceNames(signer);
  return names && byAuthority((name) => ({ namespace: places[name].namespace, name: names[name] }));
}

function sourceNames({ type, provided }: AuthoritySigner): ByAuthority<string> | undefined {
  switch (type) {
    case "SelfSigned":
      return undefined;
    case "Provided":
      return {
        agents: provided?.agentAuthoritySecretName ?? "",
        frontends: provided?.frontendAuthoritySecretName ?? "",
      };
    case "CertManager":
      return certManagerNames;
  }
}

/** Names of cert-manager's Certificates, and of the Secrets that they ask for. */
export const certManagerNames: ByAuthority<string> = {
  agents: "cluster-proxy-agent-authority",
  frontends: "cluster-proxy-frontend-authority",
};

/** What an authority's source comes to, and what people should know of it. */
export interface JudgedSource {
  readonly source: AuthoritySource;
  /** Undefined while all is well. */
  readonly problem: SourceProblem | undefined;
}

export interface SourceProblem {
  readonly reason:
    | "CertManagerMissing"
    | "NotYetIssued"
    | "SecretMissing"
    | "SecretUnusable"
    | "Expired"
    | "SameAuthority"
    | "RenewalDue";
  readonly message: string;
}

const own: JudgedSource = { source: { kind: "own" }, problem: undefined };

/** Judges where the authorities come from. What cannot be used is told, and never taken. */
export function judgeSources(
  signer: AuthoritySigner,
  places: ByAuthority<AuthorityPlace>,
  found: FoundSources | undefined,
  now: Date,
): ByAuthority<JudgedSource> {
  const where = sourcePlaces(signer, places);
  if (where === undefined || found === undefined) return byAuthority(() => own);
  const keys = new Map<string, AuthorityName>();
  return Object.fromEntries(
    authorityNames.map((name) => {
      const label = `Secret ${where[name].namespace}/${where[name].name}`;
      const judged = judge(signer.type, label, { found, name }, now);
      const key = publicKeyOf(judged);
      const other = key === undefined ? undefined : keys.get(key);
      if (key !== undefined) keys.set(key, name);
      if (other === undefined) return [name, judged];
      const message = `${label} has the key of the authority for ${other}: each side needs another`;
      return [name, waiting("SameAuthority", message)];
    }),
  ) as unknown as ByAuthority<JudgedSource>;
}

function judge(
  type: AuthoritySigner["type"],
  label: string,
  { found, name }: { readonly found: FoundSources; readonly name: AuthorityName },
  now: Date,
): JudgedSource {
  if (!found.isServed) {
    const message = "The hub does not serve cert-manager.io/v1: cert-manager is not installed";
    return waiting("CertManagerMissing", message);
  }
  const secret = found.secrets[name];
  if (secret === undefined) {
    if (type !== "CertManager") return waiting("SecretMissing", `${label} is not there`);
    const ready = findReady(found.certificates[name]);
    const why = ready?.status === "False" ? `: ${ready.message}` : "";
    return waiting("NotYetIssued", `cert-manager has not issued ${label} yet${why}`);
  }
  return judgePair(type, label, keyPairOf(secret) ?? authorityPairOf(secret), now);
}

function judgePair(
  type: string,
  label: string,
  pair: KeyPair | undefined,
  now: Date,
): JudgedSource {
  if (pair === undefined) {
    const message = `${label} has neither tls.crt and tls.key nor ca.crt and ca.key`;
    return waiting("SecretUnusable", message);
  }
  const authority = load(pair);
  if (typeof authority === "string") {
    return waiting("SecretUnusable", `${label} cannot be used: ${authority}`);
  }
  const { pem, notBefore, notAfter } = authority.certificate;
  if (notAfter <= now) return waiting("Expired", `${label} ended at ${notAfter.toISOString()}`);
  if (notBefore > now) {
    return waiting("SecretUnusable", `${label} begins at ${notBefore.toISOString()} only`);
  }
  // The certificate alone: what stands above it in its chain is not trusted.
  const given = { certificatePem: pem, keyPem: pair.keyPem };
  const problem: SourceProblem | undefined =
    renewalTime(authority.certificate) <= now
      ? { reason: "RenewalDue", message: `${label} ends at ${notAfter.toISOString()}` }
      : undefined;
  return { source: { kind: "given", by: type, pair: given }, problem };
}

function load(pair: KeyPair): Authority | string {
  try {
    return loadAuthority(pair);
  } catch (error) {
    if (error instanceof PkiError) return error.message;
    throw error;
  }
}

function publicKeyOf({ source }: JudgedSource): string | undefined {
  if (source.kind !== "given") return undefined;
  return parseCertificates(source.pair.certificatePem)[0].publicKeyPem;
}

function findReady(certificate: CertManagerCertificate | undefined) {
  return certificate?.status?.conditions?.find(({ type }) => type === "Ready");
}

function waiting(reason: SourceProblem["reason"], message: string): JudgedSource {
  return { source: { kind: "waiting" }, problem: { reason, message } };
}
