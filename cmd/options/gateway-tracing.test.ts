import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createMetrics, silentLogger } from "#runtime";
import { parseFlags } from "./flags.ts";
import { openTracing, samplingRatio, tracesUrl, tracingFlags } from "./gateway-tracing.ts";

describe("tracesUrl()", () => {
  const base = "OTEL_EXPORTER_OTLP_ENDPOINT";
  const exact = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
  const cases: readonly (readonly [flag: string, Record<string, string>, string | undefined])[] = [
    ["", {}, undefined],
    ["http://c:4318", {}, "http://c:4318/v1/traces"],
    ["https://c/otlp/", {}, "https://c/otlp/v1/traces"],
    ["", { [base]: "http://c:4318" }, "http://c:4318/v1/traces"],
    ["", { [base]: "http://c:4318", [exact]: "http://t/x" }, "http://t/x"],
    ["http://flag", { [base]: "http://c", [exact]: "http://t/x" }, "http://flag/v1/traces"],
    ["http://flag", { OTEL_SDK_DISABLED: "true" }, undefined],
  ];
  for (const [flag, environment, want] of cases) {
    it(`is ${want ?? "none"} with "${flag}" and ${JSON.stringify(environment)}`, () => {
      assert.equal(tracesUrl(flag, environment)?.href, want);
    });
  }
  it("refuses what it does not speak, without quoting an address", () => {
    const other = { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" };
    assert.throws(() => tracesUrl("http://c", other), /expected http\/json/);
    assert.throws(
      () => tracesUrl("c:pass@word", {}),
      (error) => error instanceof Error && !error.message.includes("pass"),
    );
  });
});

describe("samplingRatio()", () => {
  const ratio = {
    OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
    OTEL_TRACES_SAMPLER_ARG: "0.25",
  };
  it("is what the flag says, and else what the environment says", () => {
    assert.equal(samplingRatio(1_000_000, {}), 1);
    assert.equal(samplingRatio(1000, ratio), 0.001);
    assert.equal(samplingRatio(1_000_000, ratio), 0.25);
    assert.equal(samplingRatio(1_000_000, { OTEL_TRACES_SAMPLER: "parentbased_always_off" }), 0);
  });
  it("refuses what cannot be", () => {
    assert.throws(() => samplingRatio(1_000_001, {}), /expected 0 to 1000000/);
    assert.throws(
      () => samplingRatio(1_000_000, { OTEL_TRACES_SAMPLER: "always_on" }),
      /parentbased/,
    );
    const arg = { ...ratio, OTEL_TRACES_SAMPLER_ARG: "2" };
    assert.throws(() => samplingRatio(1_000_000, arg), /expected 0 to 1/);
  });
});

describe("openTracing()", () => {
  const open = async (...argv: readonly string[]) =>
    openTracing(parseFlags(tracingFlags, argv), {}, "v1", {
      metrics: createMetrics(),
      log: silentLogger,
    });
  it("traces nothing, and runs nothing, unless it is asked to", async () => {
    assert.deepEqual(await open(), { tracer: undefined, runnables: [] });
    const { tracer, runnables } = await open("--tracing-endpoint=http://c:4318");
    assert.ok(tracer);
    assert.deepEqual(
      runnables.map(({ name }) => name),
      ["trace-exporter"],
    );
  });
});
