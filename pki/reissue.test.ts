import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createAuthority, loadAuthority } from "./authority.ts";
import { issueCertificate } from "./issue.ts";
import { type ReissueInput, reasonToReissue } from "./reissue.ts";

const start = new Date("2026-05-01T00:00:00Z");
const day = 86_400_000;
const after = (days: number): Date => new Date(start.getTime() + days * day);
const newAuthority = async (commonName: string) =>
  loadAuthority(await createAuthority({ commonName, lifetimeMs: 3650 * day }, start));
const authority = await newAuthority("ca");
const other = await newAuthority("ca");
const current = await issueCertificate(
  authority,
  { commonName: "x", names: ["x", "10.0.0.1"], usages: ["server"], lifetimeMs: 100 * day },
  start,
);
const fine: ReissueInput = {
  current,
  authority: authority.certificate,
  names: ["10.0.0.1", "x"],
  usages: ["server"],
};

interface Case {
  readonly input: Partial<ReissueInput>;
  readonly at?: Date;
  readonly want: string | undefined;
}

const cases: Readonly<Record<string, Case>> = {
  "leaves a good certificate alone": { input: {}, want: undefined },
  "leaves it alone until four fifths of its life have passed": {
    input: {},
    at: after(79.9),
    want: undefined,
  },
  "renews it after that": { input: {}, at: after(80.1), want: "NearExpiry" },
  "makes one that is missing": { input: { current: undefined }, want: "Missing" },
  "replaces one that cannot be read": {
    input: { current: { certificatePem: "?", keyPem: current.keyPem } },
    want: "Unreadable",
  },
  "replaces one whose key is another's": {
    input: { current: { ...current, keyPem: other.key.export({ type: "pkcs8", format: "pem" }) } },
    want: "Unreadable",
  },
  "replaces one of an authority with the same name but another key": {
    input: { authority: other.certificate },
    want: "OtherAuthority",
  },
  "replaces one that lacks a name": {
    input: { names: ["x", "10.0.0.1", "y"] },
    want: "OtherNames",
  },
  "replaces one with a name too many": { input: { names: ["x"] }, want: "OtherNames" },
  "replaces one for another purpose": { input: { usages: ["client"] }, want: "OtherUsages" },
};

describe("reasonToReissue()", () => {
  for (const [name, { input, at = start, want }] of Object.entries(cases)) {
    it(name, () => {
      assert.equal(reasonToReissue({ ...fine, ...input }, at)?.reason, want);
    });
  }

  it("minds no other way to write a name", async () => {
    const names = ["*.Hub.Example", "FD00:0::0001", "::ffff:192.0.2.1", "10.0.0.1"];
    const options = { commonName: "x", names, usages: ["server"] as const, lifetimeMs: 100 * day };
    const made = await issueCertificate(authority, options, start);
    assert.equal(reasonToReissue({ ...fine, current: made, names }, start), undefined);
  });

  it("says which names are wrong", () => {
    const violation = reasonToReissue({ ...fine, names: ["x", "y"] }, start);
    assert.equal(violation?.message, "Certificate lacks y and should not have 10.0.0.1");
  });
});
