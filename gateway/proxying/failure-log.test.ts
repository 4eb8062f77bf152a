import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Fields, silentLogger } from "#runtime";
import { GatewayError } from "../answers/gateway-error.ts";
import { createFailureLog } from "./failure-log.ts";

describe("FailureLog", () => {
  it("logs each kind of failure of a cluster once a minute, and how many there were", () => {
    let nowMs = 0;
    const lines: (Fields | undefined)[] = [];
    const log = {
      ...silentLogger,
      warn: (_text: string, fields?: Fields) => void lines.push(fields),
    };
    const failures = createFailureLog({ log, now: () => nowMs });
    const down = new GatewayError("tunnel_down", "down");
    for (let count = 0; count < 5; count += 1) failures.note("a", down);
    failures.note("b", down);
    failures.note("a", new GatewayError("timeout", "late"));
    failures.note("a", new GatewayError("client_gone", "gone"));
    nowMs = 60_000;
    failures.note("a", down);
    assert.deepEqual(
      lines.map((fields) => [fields?.["cluster"], fields?.["code"], fields?.["alsoFailed"]]),
      [
        ["a", "tunnel_down", 0],
        ["b", "tunnel_down", 0],
        ["a", "timeout", 0],
        ["a", "tunnel_down", 4],
      ],
    );
  });
});
