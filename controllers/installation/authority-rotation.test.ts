import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Secret } from "#api";
import { createAuthority, loadAuthority, parseCertificates } from "#pki";
import {
  authorityState,
  planRotation,
  rotateAnnotation,
  rotationPatch,
  trustedPem,
} from "./authority-rotation.ts";
import { authorityOf, authoritySecret } from "./tls-secret.ts";

const day = 86_400_000;
const overlapMs = day;
const start = new Date("2026-05-01T12:00:00Z");
const after = (days: number): Date => new Date(start.getTime() + days * day);
const make = (now: Date) => createAuthority({ commonName: "ca", lifetimeMs: 100 * day }, now);
const first = authoritySecret({ name: "signer", namespace: "addons" }, await make(start));

/** What a merge patch leaves of the Secret. */
async function perform(secret: Secret, now: Date): Promise<Secret> {
  const rotation = planRotation(secret, overlapMs, now);
  assert.ok(rotation.kind === "step");
  const patch = await rotationPatch(secret, rotation.step, () => make(now));
  const { data } = patch as { data: Record<string, string | null> };
  const merged = Object.entries({ ...secret.data, ...data }).filter(([, value]) => value !== null);
  const { annotations: _gone, ...metadata } = secret.metadata;
  return { ...secret, metadata, data: Object.fromEntries(merged) as Record<string, string> };
}

const trusted = (secret: Secret) => parseCertificates(trustedPem(secret)).length;

describe("the rotation of an authority", () => {
  it("begins well before the authority ends, and not earlier", () => {
    assert.equal(planRotation(first, overlapMs, after(79)).kind, "wait");
    assert.deepEqual(planRotation(first, overlapMs, after(80)), { kind: "step", step: "prepare" });
  });

  it("begins when somebody asks for it", () => {
    const asked = {
      ...first,
      metadata: { ...first.metadata, annotations: { [rotateAnnotation]: "" } },
    };
    assert.deepEqual(planRotation(asked, overlapMs, start), { kind: "step", step: "prepare" });
  });

  it("trusts the new authority before it signs, and the old one while it is replaced", async () => {
    const signer = (secret: Secret) => authorityOf(secret)?.certificate.pem;
    const prepared = await perform(first, after(80));
    assert.equal(signer(prepared), signer(first));
    assert.equal(trusted(prepared), 2);
    assert.equal(planRotation(prepared, overlapMs, after(80.9)).kind, "wait");

    const promoted = await perform(prepared, after(81));
    assert.notEqual(signer(promoted), signer(first));
    assert.equal(trusted(promoted), 2);
    assert.ok(trustedPem(promoted).includes(String(signer(first))));
    assert.equal(planRotation(promoted, overlapMs, after(81.9)).kind, "wait");

    const retired = await perform(promoted, after(82));
    assert.equal(signer(retired), signer(promoted));
    assert.equal(trusted(retired), 1);
    const waiting = planRotation(retired, overlapMs, after(82));
    assert.ok(waiting.kind === "wait" && waiting.untilMs > 70 * day);
    assert.deepEqual(authorityState(promoted)?.isRotating, true);
    assert.deepEqual(authorityState(retired)?.isRotating, false);
  });

  it("keeps certificate and key of one authority together", async () => {
    const promoted = await perform(await perform(first, after(80)), after(81));
    const data = promoted.data ?? {};
    const text = (key: string) => Buffer.from(data[key] ?? "", "base64").toString();
    assert.doesNotThrow(() =>
      loadAuthority({ certificatePem: text("ca.crt"), keyPem: text("ca.key") }),
    );
    assert.equal(data["next-ca.key"], undefined);
  });
});
