import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { dialAllowed } from "./dial-allowed.ts";
import { type DialPolicy, dialTarget } from "./dial-target.ts";

const anything: DialPolicy = () => undefined;

/** How a dial ends: `connected`, or the error that it reports. */
async function outcomeOf(address: string, policy: DialPolicy, timeoutMs = 1000): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = dialTarget(
    address,
    { policy, timeoutMs },
    { onConnected: () => resolve("connected"), onFailed: resolve },
  );
  const outcome = await promise;
  socket?.destroy();
  return outcome;
}

async function withServer(check: (port: number) => Promise<void>): Promise<void> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await check((server.address() as AddressInfo).port);
  } finally {
    server.close();
  }
}

describe("dialTarget()", () => {
  it("connects", async () => {
    await withServer(async (port) => {
      assert.equal(await outcomeOf(`127.0.0.1:${port}`, anything), "connected");
    });
  });

  it("reports what was refused in Go's words", async () => {
    const outcome = await outcomeOf("127.0.0.1:1", anything);
    assert.equal(outcome, "dial tcp 127.0.0.1:1: connect: connection refused");
  });

  it("asks the policy about an address as it stands", async () => {
    const asked: unknown[] = [];
    const policy: DialPolicy = (target) => {
      asked.push(target);
      return "is not allowed";
    };
    assert.equal(await outcomeOf("127.0.0.1:80", policy), "dial tcp 127.0.0.1:80: is not allowed");
    assert.deepEqual(asked, [{ host: "127.0.0.1", ip: "127.0.0.1", port: 80 }]);
  });

  it("asks the policy about what a name stands for", async () => {
    const policy: DialPolicy = ({ ip }) =>
      ip === "127.0.0.1" || ip === "::1" ? "loopback is not allowed" : undefined;
    assert.match(
      await outcomeOf("localhost:80", policy),
      /^dial tcp localhost:80: loopback is not/,
    );
  });

  it("goes where a name of the agent's own leads, past the policy", async () => {
    await withServer(async (port) => {
      const { promise, resolve } = Promise.withResolvers<string>();
      const socket = dialTarget(
        "own.test:7443",
        {
          policy: () => "nothing is allowed",
          timeoutMs: 1000,
          ownTarget: (address) =>
            address === "own.test:7443" ? { host: "127.0.0.1", port } : undefined,
        },
        { onConnected: () => resolve("connected"), onFailed: resolve },
      );
      assert.equal(await promise, "connected");
      socket?.destroy();
    });
  });

  it("gives a promise to those who want one", async () => {
    await withServer(async (port) => {
      const { signal } = new AbortController();
      (await dialAllowed(`127.0.0.1:${port}`, anything, signal)).destroy();
      const refuse: DialPolicy = () => "refused";
      await assert.rejects(dialAllowed(`127.0.0.1:${port}`, refuse, signal), /: refused$/);
      const aborted = AbortSignal.abort();
      await assert.rejects(dialAllowed(`127.0.0.1:${port}`, anything, aborted), /given up/);
    });
  });

  const senseless = [
    "",
    ":",
    "a",
    "a\0b:80",
    "[::1:80",
    "a b:80",
    `${"a".repeat(300)}:80`,
    "💩:80",
  ];
  for (const address of senseless) {
    it(`answers ${JSON.stringify(address.slice(0, 12))} with an error`, async () => {
      assert.match(await outcomeOf(address, anything), /^dial tcp/);
    });
  }
});
