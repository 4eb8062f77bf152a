import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ExposedService, isExposed, parseExposedServices } from "./exposed-services.ts";

describe("parseExposedServices()", () => {
  it("joins the lists of all keys, and reads ports as text", () => {
    const services = parseExposedServices({
      a: "- {namespace: x, service: one, port: 80}",
      b: "- {namespace: x, service: two, port: '443', protocol: https}\n- {namespace: y, service: three}",
      c: "",
    });
    assert.deepEqual(services, [
      { namespace: "x", service: "one", port: "80" },
      { namespace: "x", service: "two", port: "443", protocol: "https" },
      { namespace: "y", service: "three" },
    ]);
  });

  const unusable: readonly (readonly [text: string, why: RegExp])[] = [
    ["- {namespace: x}", /services\.yaml.*service/s],
    ["- {service: x}", /services\.yaml.*namespace/s],
    ["- {namespace: x, service: a, ports: 80}", /services\.yaml.*ports/s],
    ["- {namespace: x, namespace: y, service: a}", /services\.yaml.*unique/s],
    ["- {namespace: x, service: a, port: http}", /services\.yaml.*port/s],
    ["- {namespace: x, service: a, port: 70000}", /services\.yaml.*port/s],
    ["- {namespace: x, service: a, protocol: ftp}", /services\.yaml.*protocol/s],
    ["namespace: x", /services\.yaml.*array/s],
    ["- [", /services\.yaml/],
  ];
  for (const [text, why] of unusable) {
    it(`refuses ${text}`, () => {
      assert.throws(() => parseExposedServices({ "services.yaml": text }), why);
    });
  }
});

describe("isExposed()", () => {
  const target = { scheme: "https", namespace: "x", name: "a", port: 443 } as const;
  const cases: readonly (readonly [listed: ExposedService, expected: boolean])[] = [
    [{ namespace: "x", service: "a" }, true],
    [{ namespace: "x", service: "a", port: "443", protocol: "https" }, true],
    [{ namespace: "x", service: "a", port: "80" }, false],
    [{ namespace: "x", service: "a", protocol: "http" }, false],
    [{ namespace: "y", service: "a" }, false],
    [{ namespace: "x", service: "b" }, false],
    [{ namespace: "X", service: "a" }, false],
  ];
  for (const [listed, expected] of cases) {
    it(`is ${String(expected)} for ${JSON.stringify(listed)}`, () => {
      assert.equal(isExposed([listed], target), expected);
    });
  }

  it("allows nothing without a list", () => assert.equal(isExposed([], target), false));
});
