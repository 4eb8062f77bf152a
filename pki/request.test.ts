import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createKey } from "./private-key.ts";
import { createRequest, parseRequest } from "./request.ts";

const key = await createKey();
const subject = { commonName: "user", organizations: ["a", "b"], organizationalUnits: [] };

describe("parseRequest()", () => {
  it("reads subject and names", async () => {
    const { pem, ...request } = await parseRequest(await createRequest(key, subject, ["n", "::1"]));
    assert.match(pem, /CERTIFICATE REQUEST/);
    assert.deepEqual(request, { ...subject, names: ["n", "::1"] });
  });

  it("refuses a request that was changed after it was signed", async () => {
    const pem = await createRequest(key, { ...subject, commonName: "aaaaaaaaaaaaaaaa" }, []);
    const der = Buffer.from(pem.replace(/-----.*-----/g, ""), "base64");
    der.fill("b", der.indexOf("aaaaaaaaaaaaaaaa"), der.indexOf("aaaaaaaaaaaaaaaa") + 16);
    const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
    await assert.rejects(parseRequest(forged), { code: "bad_request" });
  });

  for (const text of [
    "",
    "nonsense",
    "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----",
  ]) {
    it(`refuses ${JSON.stringify(text.slice(0, 30))}`, async () => {
      await assert.rejects(parseRequest(text), { code: "bad_request" });
    });
  }
});
