import { type Secret, timestamp } from "#api";
import {
  asTrustAnchor,
  type Certificate,
  isSameAuthority,
  type KeyPair,
  parseCertificates,
  renewalTime,
} from "#pki";
import { secretText } from "./tls-secret.ts";

/**
 * An authority is replaced in steps, so that each side trusts the new one before anything is signed
 * with it, and the old one until everything that it signed is replaced:
 *
 * - `prepare`: another authority is made, or taken from where it is given, and trusted; the present
 *   one signs.
 * - `withdraw`: the other one is not wanted any more, and has not signed anything.
 * - `promote`: the other one signs; the one before stays trusted.
 * - `retire`: the one before is no longer trusted.
 */
export type RotationStep = "prepare" | "withdraw" | "promote" | "retire";

/** Where authorities come from. */
export type AuthoritySource =
  /** We make them, when it is time. */
  | { readonly kind: "own" }
  /** Somebody gives them to us, and another one when he sees fit. It has been checked. */
  | { readonly kind: "given"; readonly by: string; readonly pair: KeyPair }
  /** Somebody is to give them to us, and at present does not: what we have goes on. */
  | { readonly kind: "waiting" };

/** Asks for a new authority now, whatever its value; on the Secret of an authority that we make. */
export const rotateAnnotation = "proxy.open-cluster-management.io/rotate-authority";
/** When the last step was done. */
const steppedAnnotation = "proxy.open-cluster-management.io/authority-stepped";
/** Who gave the authority that was prepared last; absent for one that we have made. */
const givenAnnotation = "proxy.open-cluster-management.io/authority-given-by";

const keys = {
  certificate: "ca.crt",
  key: "ca.key",
  nextCertificate: "next-ca.crt",
  nextKey: "next-ca.key",
  previousCertificate: "previous-ca.crt",
} as const;

/** The step that is due, or when to look again. */
export type Rotation =
  | { readonly kind: "step"; readonly step: RotationStep }
  | { readonly kind: "wait"; readonly untilMs: number };

const never: Rotation = { kind: "wait", untilMs: Number.POSITIVE_INFINITY };

/** Decides what is due for the authority in a Secret. `overlapMs` is how long each step is given. */
export function planRotation(
  secret: Secret,
  source: AuthoritySource,
  overlapMs: number,
  now: Date,
): Rotation {
  const current = certificateAt(secret, keys.certificate);
  const next = certificateAt(secret, keys.nextCertificate);
  const steppedMs = Date.parse(secret.metadata.annotations?.[steppedAnnotation] ?? "");
  const change = changeOf(secret, source, { current, next });
  if (change !== undefined) return { kind: "step", step: change };
  if (next !== undefined) {
    const sinceMs = Number.isNaN(steppedMs) ? next.notBefore.getTime() : steppedMs;
    return stepAt("promote", promotionMs(sinceMs, overlapMs, current), now);
  }
  const renewal = renewalOf(secret, source, current, now);
  const hasPrevious = certificateAt(secret, keys.previousCertificate) !== undefined;
  if (!hasPrevious || current === undefined || renewal.kind === "step") return renewal;
  const sinceMs = Number.isNaN(steppedMs) ? current.notBefore.getTime() + overlapMs : steppedMs;
  return stepAt("retire", sinceMs + overlapMs, now);
}

interface Certificates {
  readonly current: Certificate | undefined;
  readonly next: Certificate | undefined;
}

/** What is to be done at once because another authority is given than the one that is prepared. */
function changeOf(
  secret: Secret,
  source: AuthoritySource,
  { current, next }: Certificates,
): RotationStep | undefined {
  if (source.kind === "waiting") return undefined;
  if (source.kind === "own") {
    const wasGiven = givenAnnotation in (secret.metadata.annotations ?? {});
    return wasGiven ? "prepare" : undefined;
  }
  const [given] = parseCertificates(source.pair.certificatePem);
  if (current !== undefined && isSameAuthority(given, current)) {
    return next === undefined ? undefined : "withdraw";
  }
  return next !== undefined && isSameAuthority(given, next) ? undefined : "prepare";
}

/** An authority of ours is renewed by the clock, or when somebody asks. */
function renewalOf(
  secret: Secret,
  { kind }: AuthoritySource,
  current: Certificate | undefined,
  now: Date,
): Rotation {
  if (kind !== "own") return never;
  const isAsked = rotateAnnotation in (secret.metadata.annotations ?? {});
  if (current === undefined || isAsked) return { kind: "step", step: "prepare" };
  return stepAt("prepare", renewalTime(current).getTime(), now);
}

/** After the overlap, but well before the present one ends: one that ended signs nothing. */
function promotionMs(sinceMs: number, overlapMs: number, current: Certificate | undefined): number {
  const endMs = current?.notAfter.getTime() ?? sinceMs;
  return Math.min(sinceMs + overlapMs, Math.max(sinceMs, (sinceMs + endMs) / 2));
}

function stepAt(step: RotationStep, atMs: number, now: Date): Rotation {
  const isDue = now.getTime() >= atMs;
  return isDue ? { kind: "step", step } : { kind: "wait", untilMs: atMs - now.getTime() };
}

/** The merge patch that does a step; `prepare` takes what is given, or else what `make` makes. */
export async function rotationPatch(
  secret: Secret,
  step: RotationStep,
  source: AuthoritySource,
  { make, now }: { readonly make: () => Promise<KeyPair>; readonly now: Date },
): Promise<Readonly<Record<string, unknown>>> {
  const isGiven = source.kind === "given";
  const given = step === "prepare" ? { [givenAnnotation]: isGiven ? source.by : null } : {};
  const annotations = {
    [rotateAnnotation]: null,
    [steppedAnnotation]: timestamp(now),
    ...given,
  };
  const made =
    step === "prepare" ? await (isGiven ? asTrustAnchor(source.pair) : make()) : undefined;
  const { resourceVersion } = secret.metadata;
  return { metadata: { resourceVersion, annotations }, data: changesOf(secret, step, made) };
}

function changesOf(
  { data = {} }: Secret,
  step: RotationStep,
  made: KeyPair | undefined,
): Readonly<Record<string, string | null | undefined>> {
  switch (step) {
    case "prepare":
      return {
        [keys.nextCertificate]: encoded(made?.certificatePem),
        [keys.nextKey]: encoded(made?.keyPem),
      };
    case "withdraw":
      return { [keys.nextCertificate]: null, [keys.nextKey]: null };
    case "promote":
      return {
        [keys.certificate]: data[keys.nextCertificate],
        [keys.key]: data[keys.nextKey],
        [keys.nextCertificate]: null,
        [keys.nextKey]: null,
        [keys.previousCertificate]: data[keys.certificate],
      };
    case "retire":
      return { [keys.previousCertificate]: null };
  }
}

function encoded(text: string | undefined): string | undefined {
  return text === undefined ? undefined : Buffer.from(text).toString("base64");
}

/** Annotations of the Secret of an authority that is made for the first time. */
export function firstAnnotations(source: AuthoritySource): Readonly<Record<string, string>> {
  return source.kind === "given" ? { [givenAnnotation]: source.by } : {};
}

/** All authorities that are to be trusted at present, PEM. */
export function trustedPem(secret: Secret | undefined): string {
  return [keys.certificate, keys.nextCertificate, keys.previousCertificate]
    .flatMap((key) => secretText(secret, key) ?? [])
    .map((pem) => `${pem.trimEnd()}\n`)
    .join("");
}

/** The certificate of the authority that signs, and whether another one is trusted beside it. */
export function authorityState(
  secret: Secret | undefined,
): { readonly certificate: Certificate; readonly isRotating: boolean } | undefined {
  const certificate = certificateAt(secret, keys.certificate);
  if (certificate === undefined) return undefined;
  const others = [keys.nextCertificate, keys.previousCertificate];
  return { certificate, isRotating: others.some((key) => secret?.data?.[key] !== undefined) };
}

function certificateAt(secret: Secret | undefined, key: string): Certificate | undefined {
  const text = secretText(secret, key);
  if (text === undefined) return undefined;
  try {
    return parseCertificates(text)[0];
  } catch {
    // What cannot be read is made again by the next step.
    return undefined;
  }
}
