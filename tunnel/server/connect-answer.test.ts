import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { refusalOfDial, responseText } from "./connect-answer.ts";

describe("refusalOfDial()", () => {
  const cases: Readonly<Record<string, readonly [status: number, body: string]>> = {
    "No agent available": [500, "currently no tunnels available: No agent available"],
    "timed out waiting for backend dial": [
      504,
      "Backend dial timeout: timed out waiting for backend dial",
    ],
    "the agent's connection to the tunnel server was lost": [
      502,
      "Backend context error: the agent's connection to the tunnel server was lost",
    ],
    "dial tcp 10.0.0.1:80: i/o timeout": [504, "dial tcp 10.0.0.1:80: i/o timeout"],
    "context Deadline Exceeded": [504, "context Deadline Exceeded"],
    "socket: too many open files": [503, "socket: too many open files"],
    "dial tcp 10.0.0.1:80: connect: connection refused": [
      502,
      "dial tcp 10.0.0.1:80: connect: connection refused",
    ],
  };
  for (const [error, [status, body]] of Object.entries(cases)) {
    it(`answers ${status} to "${error}"`, () => {
      const refusal = refusalOfDial(error);
      assert.deepEqual([refusal.status, refusal.body], [status, body]);
    });
  }
});

describe("responseText()", () => {
  it("is a whole response, however long its body is in bytes", () => {
    const text = responseText({ status: 502, contentType: "text/plain", body: "ä" });
    assert.equal(
      text,
      "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\nä",
    );
  });
});
