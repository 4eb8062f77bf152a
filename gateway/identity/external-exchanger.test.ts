import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { makeAuthority, type TestAuthority } from "#testing";
import { createExternalExchanger } from "./external-exchanger.ts";

const ann = { name: "ann", uid: "7", groups: ["devs"], extra: { scopes: ["a"] } };

describe("createExternalExchanger()", () => {
  const asked: unknown[] = [];
  let answer: { readonly code: number; readonly body: string } = { code: 200, body: "" };
  let authority: TestAuthority;
  let url: URL;
  let close: () => void;
  before(async () => {
    authority = await makeAuthority();
    const server = createServer(await authority.server("localhost"), (request, response) => {
      void json(request).then((body) => {
        asked.push(body);
        response.writeHead(answer.code, { location: "https://elsewhere" }).end(answer.body);
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    url = new URL(`https://localhost:${(server.address() as AddressInfo).port}/who`);
    close = () => {
      server.closeAllConnections();
      server.close();
    };
  });
  after(() => close());

  const exchangeOnce = async (body: unknown, code = 200) => {
    asked.length = 0;
    answer = { code, body: typeof body === "string" ? body : JSON.stringify(body) };
    const exchange = createExternalExchanger({ ca: () => Buffer.from(authority.caPem) });
    return exchange(url, ann, "c1");
  };

  it("tells who asks, and where, and takes the answer", async () => {
    const mapping = await exchangeOnce({ status: { user: "bot", groups: ["ops"], uid: "1" } });
    assert.deepEqual(mapping, {
      kind: "user",
      user: { name: "bot", groups: ["ops"], uid: "1", extra: {} },
    });
    assert.deepEqual(asked, [
      {
        apiVersion: "cluster.core.oam.dev/v1alpha1",
        kind: "IdentityExchange",
        spec: { cluster: "c1", user: "ann", uid: "7", groups: ["devs"], extra: { scopes: ["a"] } },
      },
    ]);
  });

  it("refuses without a user, and never makes anybody root", async () => {
    assert.deepEqual(await exchangeOnce({ status: {} }), {
      kind: "refused",
      why: "no user was named",
    });
    const root = await exchangeOnce({ status: { user: "bot", groups: ["system:masters"] } });
    assert.equal(root.kind, "refused");
  });

  it("asks once within ten seconds", async () => {
    asked.length = 0;
    answer = { code: 200, body: JSON.stringify({ status: { user: "bot" } }) };
    const exchange = createExternalExchanger({ ca: () => Buffer.from(authority.caPem) });
    await Promise.all([exchange(url, ann, "c1"), exchange(url, ann, "c1")]);
    await exchange(url, ann, "c1");
    assert.equal(asked.length, 1);
  });

  const failures: readonly (readonly [what: string, body: string, code: number])[] = [
    ["an error", "{}", 500],
    ["a redirect", "{}", 302],
    ["what is no JSON", "user: root", 200],
    ["another form", '{"status": {"user": 7}}', 200],
    ["an endless answer", `"${"a".repeat(1_100_000)}"`, 200],
  ];
  for (const [what, body, code] of failures) {
    it(`lets nobody act after ${what}`, async () => {
      await assert.rejects(exchangeOnce(body, code), { code: "hub_unavailable" });
    });
  }

  it("asks nobody whose certificate is not from the CA", async () => {
    const exchange = createExternalExchanger({ ca: () => undefined });
    await assert.rejects(exchange(url, ann, "c1"), { code: "hub_unavailable" });
  });
});
