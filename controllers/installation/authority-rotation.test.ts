import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Secret } from "#api";
import { createAuthority, type KeyPair, loadAuthority, parseCertificates } from "#pki";
import {
  type AuthoritySource,
  authorityState,
  planRotation,
  type RotationStep,
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

const own: AuthoritySource = { kind: "own" };
const waiting: AuthoritySource = { kind: "waiting" };
const given = (pair: KeyPair): AuthoritySource => ({ kind: "given", by: "Provided", pair });
const due = (secret: Secret, now: Date, source: AuthoritySource = own) =>
  planRotation(secret, source, overlapMs, now);

function merged(
  before: Readonly<Record<string, string>> | undefined,
  changes: Readonly<Record<string, string | null>>,
): Record<string, string> {
  const entries = Object.entries({ ...before, ...changes }).filter(([, value]) => value !== null);
  return Object.fromEntries(entries) as Record<string, string>;
}

/** What a merge patch leaves of the Secret. */
async function perform(
  secret: Secret,
  now: Date,
  { source = own, step }: { source?: AuthoritySource; step?: RotationStep } = {},
): Promise<Secret> {
  const rotation = due(secret, now, source);
  assert.ok(rotation.kind === "step");
  if (step !== undefined) assert.equal(rotation.step, step);
  const patch = await rotationPatch(secret, rotation.step, source, { make: () => make(now), now });
  const { metadata, data } = patch as {
    metadata: { annotations: Record<string, string | null> };
    data: Record<string, string | null>;
  };
  const annotations = merged(secret.metadata.annotations, metadata.annotations);
  return {
    ...secret,
    metadata: { ...secret.metadata, annotations },
    data: merged(secret.data, data),
  };
}

const signerOf = (secret: Secret) => authorityOf(secret)?.certificate.pem;

const trusted = (secret: Secret) => parseCertificates(trustedPem(secret)).length;

describe("the rotation of an authority", () => {
  it("begins well before the authority ends, and not earlier", () => {
    assert.equal(due(first, after(79)).kind, "wait");
    assert.deepEqual(due(first, after(80)), { kind: "step", step: "prepare" });
  });

  it("begins when somebody asks for it", () => {
    const asked = {
      ...first,
      metadata: { ...first.metadata, annotations: { [rotateAnnotation]: "" } },
    };
    assert.deepEqual(due(asked, start), { kind: "step", step: "prepare" });
  });

  it("trusts the new authority before it signs, and the old one while it is replaced", async () => {
    const prepared = await perform(first, after(80));
    assert.equal(signerOf(prepared), signerOf(first));
    assert.equal(trusted(prepared), 2);
    assert.equal(due(prepared, after(80.9)).kind, "wait");

    const promoted = await perform(prepared, after(81));
    assert.notEqual(signerOf(promoted), signerOf(first));
    assert.equal(trusted(promoted), 2);
    assert.ok(trustedPem(promoted).includes(String(signerOf(first))));
    assert.equal(due(promoted, after(81.9)).kind, "wait");

    const retired = await perform(promoted, after(82));
    assert.equal(signerOf(retired), signerOf(promoted));
    assert.equal(trusted(retired), 1);
    const waiting = due(retired, after(82));
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

describe("the rotation of an authority that is given", () => {
  it("takes another one over in the same steps, whenever it is given", async () => {
    const other = await make(start);
    const source = given(other);
    const prepared = await perform(first, after(10), { source, step: "prepare" });
    assert.equal(signerOf(prepared), signerOf(first));
    assert.equal(trusted(prepared), 2);
    assert.equal(due(prepared, after(10.9), source).kind, "wait");
    const promoted = await perform(prepared, after(11), { source, step: "promote" });
    assert.equal(signerOf(promoted), parseCertificates(other.certificatePem)[0].pem);
    const retired = await perform(promoted, after(12), { source, step: "retire" });
    assert.equal(trusted(retired), 1);
    assert.deepEqual(due(retired, after(99), source), { kind: "wait", untilMs: Infinity });
  });

  it("waits while nothing usable is given, also when the present one is old", () => {
    assert.deepEqual(due(first, after(95), waiting), { kind: "wait", untilMs: Infinity });
  });

  it("takes the one that was given last, and begins the overlap again", async () => {
    const [second, third] = [await make(start), await make(start)];
    const prepared = await perform(first, after(1), { source: given(second), step: "prepare" });
    const again = await perform(prepared, after(1.5), { source: given(third), step: "prepare" });
    assert.equal(due(again, after(2.4), given(third)).kind, "wait");
    const promoted = await perform(again, after(2.5), { source: given(third), step: "promote" });
    assert.equal(signerOf(promoted), parseCertificates(third.certificatePem)[0].pem);
  });

  it("forgets one that is taken back before it has signed", async () => {
    const prepared = await perform(first, after(1), { source: given(await make(start)) });
    const { data = {} } = first;
    const text = (key: string) => Buffer.from(data[key] ?? "", "base64").toString();
    const before = given({ certificatePem: text("ca.crt"), keyPem: text("ca.key") });
    const withdrawn = await perform(prepared, after(1.1), { source: before, step: "withdraw" });
    assert.equal(trusted(withdrawn), 1);
    assert.equal(due(withdrawn, after(1.2), before).kind, "wait");
  });

  it("goes back to our own when nobody gives one any more", async () => {
    const source = given(await make(start));
    const prepared = await perform(first, after(1), { source });
    const promoted = await perform(prepared, after(2), { source });
    const ours = await perform(promoted, after(3), { step: "prepare" });
    assert.equal(due(ours, after(3.5)).kind, "wait");
    const signing = await perform(ours, after(4), { step: "promote" });
    assert.notEqual(signerOf(signing), signerOf(promoted));
  });

  it("does not wait for the whole overlap where the present one ends before", async () => {
    const brief = await createAuthority({ commonName: "ca", lifetimeMs: day / 2 }, start);
    const secret = authoritySecret({ name: "signer" }, brief);
    const source = given(await make(start));
    const prepared = await perform(secret, after(0.1), { source });
    assert.equal(due(prepared, after(0.25), source).kind, "wait");
    await perform(prepared, after(0.35), { source, step: "promote" });
  });
});
