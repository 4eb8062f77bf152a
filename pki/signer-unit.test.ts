import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { signerUnit } from "./signer-unit.ts";

describe("signerUnit()", () => {
  it("is the hexadecimal form of the base64 form of the digest", () => {
    // sha256("ca") = 6959097001d10501ac7d54c0bdb8db61420f658f2922cc26e46d536119a31126
    const base64 = "aVkJcAHRBQGsfVTAvbjbYUIPZY8pIswm5G1TYRmjESY=";
    assert.equal(signerUnit("ca"), `signer-${Buffer.from(base64).toString("hex")}`);
  });

  it("differs for another authority", () => {
    assert.notEqual(signerUnit("a"), signerUnit("b"));
  });
});
