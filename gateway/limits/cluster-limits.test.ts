import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createMetrics } from "#runtime";
import { GatewayError, type GatewayErrorCode } from "../answers/gateway-error.ts";
import { type Admission, createClusterLimits, type LimitOptions } from "./cluster-limits.ts";

const isCode = (code: GatewayErrorCode) => (error: unknown) =>
  error instanceof GatewayError && error.code === code;

function setUp(options: Omit<LimitOptions, "metrics"> = {}) {
  const metrics = createMetrics();
  const limits = createClusterLimits({ maxWaitMs: 5, ...options, metrics });
  const admit = async (cluster = "a", isLong = false): Promise<Admission> =>
    limits.admit({ cluster, isLong, onGone: () => undefined });
  const fail = async (code: GatewayErrorCode, times: number) => {
    for (let count = 0; count < times; count += 1) {
      const admission = await admit();
      admission.failed(new GatewayError(code, "it is gone"));
      admission.leave();
    }
  };
  return { metrics, limits, admit, fail };
}

describe("limits of clusters", () => {
  it("refuse more short requests to one cluster than it may get, and no others", async () => {
    const { admit, metrics } = setUp({ perCluster: 2 });
    const inside = [await admit(), await admit()];
    await assert.rejects(admit(), isCode("overloaded"));
    await admit("b");
    await admit("a", true);
    for (const one of inside) one.leave();
    await admit();
    const text = await metrics.text();
    assert.match(text, /refused_requests_total\{reason="waited_too_long"\} 1/);
  });

  it("refuse more than the gateway can take, and give the cluster's place back", async () => {
    const { admit } = setUp({ perCluster: 2, total: 1 });
    const one = await admit();
    await assert.rejects(admit("b"), isCode("overloaded"));
    one.leave();
    const again = [await admit("b")];
    await assert.rejects(admit("b"), isCode("overloaded"));
    assert.equal(again.length, 1);
  });

  it("let a request wait for room", async () => {
    const { admit } = setUp({ perCluster: 1, maxWaitMs: 1000 });
    const one = await admit();
    const waiting = admit();
    one.leave();
    await waiting;
  });

  it("bound long calls by themselves, without a wait", async () => {
    const { admit } = setUp({ longPerCluster: 1, maxWaitMs: 60_000 });
    await admit("a", true);
    await assert.rejects(admit("a", true), isCode("overloaded"));
    await admit();
  });

  for (const code of ["timeout", "unreachable", "untrusted"] as const) {
    it(`stop asking a cluster after five failures in a row by ${code}`, async () => {
      const { admit, fail, metrics, limits } = setUp();
      await fail(code, 5);
      await assert.rejects(admit(), (error: unknown) => {
        assert.ok(isCode("circuit_open")(error));
        assert.match(String(error), /"a" is not asked for 1\.0 s more.*it is gone/);
        return true;
      });
      assert.match(await metrics.text(), /circuit_open\{cluster="a"\} 1/);
      await admit("b");
      limits.changed("a");
      await admit();
      assert.doesNotMatch(await metrics.text(), /circuit_open\{cluster="a"\}/);
    });
  }

  it("forget a cluster that is gone, with its circuit", async () => {
    const { fail, metrics, limits } = setUp();
    await fail("timeout", 5);
    assert.match(await metrics.text(), /circuit_open\{cluster="a"\} 1/);
    limits.forget("a");
    assert.doesNotMatch(await metrics.text(), /circuit_open\{cluster="a"\}/);
  });

  for (const code of ["tunnel_down", "client_gone", "broken_answer"] as const) {
    it(`go on asking after any number of failures by ${code}, which cost no wait`, async () => {
      const { admit, fail } = setUp();
      await fail(code, 20);
      await admit();
    });
  }

  it("count an answer as one whatever it says", async () => {
    const { admit, fail } = setUp();
    await fail("timeout", 4);
    const admission = await admit();
    admission.answered();
    admission.leave();
    await fail("timeout", 4);
    await admit();
  });
});
