import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findCondition } from "#api";
import {
  hoursLater,
  makeAccount,
  makeSecret,
  makeSettings,
  makeSnapshot,
  makeToken,
} from "./make-snapshot.ts";
import { planToken } from "./plan.ts";
import { renewalDelayMs } from "./renewal-time.ts";
import type { Snapshot } from "./snapshot.ts";
import { statusOfSuccess } from "./status.ts";
import { heldTokenOf } from "./token-secret.ts";

const dayHours = 24;

/** Lives through a day with a cluster that grants every token one lifetime; counts the tokens. */
function liveThroughDay(validity: string, grantedMs: number) {
  let account = makeAccount({ validity, status: undefined });
  let snapshot: Snapshot = { ...makeSnapshot({ account }), secret: undefined, token: undefined };
  let tokens = 0;
  let looks = 0;
  for (let nowMs = hoursLater(0); nowMs < hoursLater(dayHours); looks += 1) {
    assert.ok(looks < 10_000, "it looks without end");
    const plan = planToken(snapshot, makeSettings(), nowMs);
    if (plan.kind === "keep") {
      nowMs += Math.max(plan.renewalInMs, 1);
      continue;
    }
    assert.equal(plan.kind, "renew");
    tokens += 1;
    const expiresAtMs = nowMs + grantedMs;
    const secret = makeSecret(makeToken({ iat: nowMs / 1000, exp: expiresAtMs / 1000 }));
    const token = heldTokenOf(secret);
    const issued = { refreshedAtMs: nowMs, expiresAtMs };
    const status = statusOfSuccess(account, token?.claims, issued, new Date(nowMs));
    account = makeAccount({ validity, status });
    snapshot = makeSnapshot({ account, secret });
    nowMs += renewalDelayMs(issued, nowMs);
  }
  return { tokens, message: findCondition(account.status.conditions, "TokenReported")?.message };
}

describe("a day of renewals", () => {
  const minuteMs = 60_000;
  const cases = [
    { validity: "8640h0m0s", grantedMs: 60 * minuteMs, atMost: 30 },
    { validity: "1h", grantedMs: 60 * minuteMs, atMost: 30 },
    { validity: "10m", grantedMs: 10 * minuteMs, atMost: 180 },
    { validity: "8640h0m0s", grantedMs: 24 * 60 * minuteMs, atMost: 2 },
  ];
  for (const { validity, grantedMs, atMost } of cases) {
    it(`takes at most ${atMost} tokens of ${grantedMs / minuteMs} minutes where ${validity} were asked for`, () => {
      const { tokens } = liveThroughDay(validity, grantedMs);
      assert.ok(tokens <= atMost, `${tokens} tokens`);
      assert.ok(tokens >= atMost - 1, `${tokens} tokens`);
    });
  }

  it("names both lifetimes where they differ", () => {
    const { message } = liveThroughDay("8640h0m0s", 60 * minuteMs);
    assert.equal(message, "Asked for 8640h0m0s, the managed cluster grants 1h0m0s");
    assert.equal(liveThroughDay("1h", 60 * minuteMs).message, "");
  });
});
