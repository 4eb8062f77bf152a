import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findCondition, readTokenClaims } from "#api";
import { hoursLater, makeAccount, makeToken, refreshedAt } from "./make-snapshot.ts";
import { isReportStanding, isSameStatus, statusOfFailure, statusOfSuccess } from "./status.ts";

const now = new Date(hoursLater(2));
const claims = readTokenClaims(makeToken());
const failure = { reason: "TokenReportFailed", message: "Cannot POST x: no" } as const;

describe("statusOfSuccess()", () => {
  it("reports a new token as upstream does", () => {
    const issued = { refreshedAtMs: now.getTime(), expiresAtMs: hoursLater(3) };
    const got = statusOfSuccess(makeAccount({ status: undefined }), claims, issued, now);
    const common = { status: "True", message: "", observedGeneration: 1 } as const;
    const at = "2026-01-01T02:00:00Z";
    assert.deepEqual(got, {
      conditions: [
        { type: "SecretCreated", reason: "SecretCreated", ...common, lastTransitionTime: at },
        { type: "TokenReported", reason: "TokenReported", ...common, lastTransitionTime: at },
      ],
      expirationTimestamp: "2026-01-01T03:00:00Z",
      tokenSecretRef: { name: "reader", lastRefreshTimestamp: at },
    });
  });

  it("changes nothing when nothing happened", () => {
    const account = makeAccount();
    const got = statusOfSuccess(account, claims, undefined, now);
    assert.ok(isSameStatus(got, account.status));
  });

  it("makes good for a report that an agent could not give any more", () => {
    const iat = hoursLater(1) / 1000;
    const newer = readTokenClaims(makeToken({ iat, exp: iat + 7200 }));
    const got = statusOfSuccess(makeAccount(), newer, undefined, now);
    assert.equal(got.expirationTimestamp, "2026-01-01T03:00:00Z");
    assert.equal(got.tokenSecretRef?.lastRefreshTimestamp, "2026-01-01T01:00:00Z");
  });

  it("names both durations when the cluster grants less", () => {
    const account = makeAccount({ validity: "720h" });
    const got = statusOfSuccess(account, claims, undefined, now);
    const message = findCondition(got.conditions, "TokenReported")?.message;
    assert.equal(message, "Asked for 720h, the managed cluster grants 1h0m0s");
  });

  it("keeps the conditions of others", () => {
    const other = { type: "X", status: "True", reason: "Y", message: "", lastTransitionTime: "z" };
    const account = makeAccount({ status: { conditions: [other] } });
    assert.deepEqual(statusOfSuccess(account, claims, undefined, now).conditions[0], other);
  });
});

describe("statusOfFailure()", () => {
  it("keeps all but the report, since the token may still be good", () => {
    const account = makeAccount();
    const got = statusOfFailure(account, failure, true, now);
    const [created, reported] = got.conditions;
    assert.deepEqual(created, account.status.conditions[0]);
    assert.deepEqual(reported, {
      ...failure,
      type: "TokenReported",
      status: "False",
      observedGeneration: 1,
      lastTransitionTime: "2026-01-01T02:00:00Z",
    });
    assert.deepEqual({ ...got, conditions: [] }, { ...account.status, conditions: [] });
  });

  it("does not lose that the validity has yet to be followed", () => {
    const account = makeAccount({ metadata: { generation: 2 } });
    const got = statusOfFailure(account, failure, true, now);
    assert.equal(findCondition(got.conditions, "SecretCreated")?.observedGeneration, 1);
  });

  it("says so when there is no Secret", () => {
    const got = statusOfFailure(makeAccount(), failure, false, now);
    const created = findCondition(got.conditions, "SecretCreated");
    assert.deepEqual([created?.status, created?.reason], ["False", "SecretMissing"]);
  });

  it("says nothing of the Secret when nobody could look", () => {
    const got = statusOfFailure(makeAccount({ status: undefined }), failure, undefined, now);
    assert.deepEqual(
      got.conditions.map(({ type }) => type),
      ["TokenReported"],
    );
  });

  it("is the same again when the failure is", () => {
    const account = makeAccount();
    const failed = { ...account, status: statusOfFailure(account, failure, true, now) };
    const again = statusOfFailure(failed, failure, true, new Date(hoursLater(5)));
    assert.ok(isSameStatus(again, failed.status));
  });
});

describe("isReportStanding()", () => {
  it("is true while a good report is not due for renewal", () => {
    assert.equal(isReportStanding(makeAccount(), hoursLater(0.5)), true);
  });

  it("is false when the renewal is due", () => {
    assert.equal(isReportStanding(makeAccount(), hoursLater(0.9)), false);
  });

  it("is false after a bad report, or none", () => {
    const account = makeAccount();
    const failed = { ...account, status: statusOfFailure(account, failure, true, refreshedAt) };
    assert.equal(isReportStanding(failed, hoursLater(0.5)), false);
    assert.equal(isReportStanding(makeAccount({ status: undefined }), hoursLater(0.5)), false);
  });
});
