import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseHttpsUrl } from "./https-url.ts";

describe("parseHttpsUrl()", () => {
  for (const text of ["", "https://gw.example.com", "https://gw.example.com:8443/hub/"]) {
    it(`takes "${text}"`, () => {
      assert.equal(parseHttpsUrl("gateway-address", text), text);
    });
  }

  for (const text of [
    "gw.example.com",
    "http://gw.example.com",
    "https://ann:secret@gw.example.com",
    "https://gw.example.com/?a=b",
    "https://gw.example.com/#a",
  ]) {
    it(`refuses "${text}" with the flag's name, and does not repeat it`, () => {
      assert.throws(() => parseHttpsUrl("gateway-address", text), {
        name: "UsageError",
        message:
          "Cannot use --gateway-address: expected an https URL without user, query and fragment",
      });
    });
  }
});
