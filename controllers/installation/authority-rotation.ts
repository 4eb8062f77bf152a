import type { Secret } from "#api";
import { type Certificate, type KeyPair, parseCertificates, renewalTime } from "#pki";
import { secretText } from "./tls-secret.ts";

/**
 * An authority is replaced in steps, so that each side trusts the new one before anything is signed
 * with it, and the old one until everything that it signed is replaced:
 *
 * - `prepare`: another authority is made and trusted; the present one signs.
 * - `promote`: the other one signs; the one before stays trusted.
 * - `retire`: the one before is no longer trusted.
 */
export type RotationStep = "prepare" | "promote" | "retire";

/** Asks for a new authority now, whatever its value; on the Secret of the authority. */
export const rotateAnnotation = "proxy.open-cluster-management.io/rotate-authority";

const keys = {
  certificate: "ca.crt",
  key: "ca.key",
  nextCertificate: "next-ca.crt",
  nextKey: "next-ca.key",
  previousCertificate: "previous-ca.crt",
} as const;

/** The step that is due, or when to look again. `overlapMs` is how long each step is given. */
export type Rotation =
  | { readonly kind: "step"; readonly step: RotationStep }
  | { readonly kind: "wait"; readonly untilMs: number };

/** Decides what is due for the authority in a Secret that can be used. */
export function planRotation(secret: Secret, overlapMs: number, now: Date): Rotation {
  const [current, next, previous] = [
    certificateAt(secret, keys.certificate),
    certificateAt(secret, keys.nextCertificate),
    certificateAt(secret, keys.previousCertificate),
  ];
  if (next !== undefined) return stepAt("promote", next.notBefore.getTime() + overlapMs, now);
  if (current === undefined || rotateAnnotation in (secret.metadata.annotations ?? {})) {
    return { kind: "step", step: "prepare" };
  }
  const renewal = stepAt("prepare", renewalTime(current).getTime(), now);
  if (previous === undefined || renewal.kind === "step") return renewal;
  return stepAt("retire", current.notBefore.getTime() + 2 * overlapMs, now);
}

function stepAt(step: RotationStep, atMs: number, now: Date): Rotation {
  const isDue = now.getTime() >= atMs;
  return isDue ? { kind: "step", step } : { kind: "wait", untilMs: atMs - now.getTime() };
}

/** The merge patch that does a step; `made` is the other authority, which `prepare` needs. */
export function rotationPatch(
  { metadata, data = {} }: Secret,
  step: RotationStep,
  made: () => Promise<KeyPair>,
): Promise<Readonly<Record<string, unknown>>> {
  const { resourceVersion } = metadata;
  const patch = (changes: Readonly<Record<string, string | null | undefined>>) => ({
    metadata: { resourceVersion, annotations: { [rotateAnnotation]: null } },
    data: changes,
  });
  switch (step) {
    case "prepare":
      return made().then(({ certificatePem, keyPem }) =>
        patch({
          [keys.nextCertificate]: Buffer.from(certificatePem).toString("base64"),
          [keys.nextKey]: Buffer.from(keyPem).toString("base64"),
        }),
      );
    case "promote":
      return Promise.resolve(
        patch({
          [keys.certificate]: data[keys.nextCertificate],
          [keys.key]: data[keys.nextKey],
          [keys.nextCertificate]: null,
          [keys.nextKey]: null,
          [keys.previousCertificate]: data[keys.certificate],
        }),
      );
    case "retire":
      return Promise.resolve(patch({ [keys.previousCertificate]: null }));
  }
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
