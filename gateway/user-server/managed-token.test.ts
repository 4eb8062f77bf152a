import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createHubKeys } from "./hub-keys.ts";
import { whyNoManagedToken } from "./managed-token.ts";

function jwt(header: object, claims: object): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  return `${encode(header)}.${encode(claims)}.signature`;
}

const account = { iss: "https://kubernetes.default.svc", sub: "system:serviceaccount:ns:name" };
const hubKeys = { has: (keyId: string) => Promise.resolve(keyId === "hub") };
const why = async (token: string, issuer?: string) => whyNoManagedToken(token, hubKeys, issuer);

describe("whyNoManagedToken()", () => {
  it("lets a ServiceAccount's token go on that the hub has not signed", async () => {
    assert.equal(await why(jwt({ kid: "managed" }, account)), undefined);
  });

  it("keeps what the hub has signed, for whomever", async () => {
    const token = jwt({ kid: "hub" }, { ...account, aud: ["vault"] });
    assert.match((await why(token)) ?? "", /has signed it/);
  });

  const others: Readonly<Record<string, string>> = {
    "a text": "secret",
    nothing: "",
    "a token without a key": jwt({}, account),
    "a token of a person": jwt({ kid: "managed" }, { ...account, sub: "alice" }),
    "a token without an issuer": jwt({ kid: "managed" }, { sub: account.sub }),
    "a token in four parts": `${jwt({ kid: "managed" }, account)}.more`,
    "what is no JSON": "a.b.c",
  };
  for (const [name, token] of Object.entries(others)) {
    it(`keeps ${name}`, async () => assert.match((await why(token)) ?? "", /no ServiceAccount/));
  }

  it("keeps what the hub's issuer is said to have made", async () => {
    const token = jwt({ kid: "managed" }, account);
    assert.match((await why(token, account.iss)) ?? "", /no ServiceAccount/);
  });
});

describe("createHubKeys()", () => {
  it("looks again for a key that it does not know, but not for each request", async () => {
    let [now, asked] = [0, 0];
    let keys = [{ kid: "one" }];
    const raw = async () => {
      asked += 1;
      return JSON.stringify({ keys });
    };
    const hub = createHubKeys({ raw }, () => now);
    const all = await Promise.all(["one", "two", "two"].map((id) => hub.has(id)));
    assert.deepEqual([all, asked], [[true, false, false], 1]);
    keys = [{ kid: "one" }, { kid: "two" }];
    assert.deepEqual([await hub.has("two"), asked], [false, 1]);
    now = 15_000;
    assert.deepEqual([await hub.has("two"), asked], [true, 2]);
    now = 100_000;
    assert.deepEqual([await hub.has("one"), asked], [true, 2]);
  });

  it("knows nothing while the keys cannot be read", async () => {
    for (const raw of [async () => "nonsense", async () => Promise.reject(new Error("away"))]) {
      await assert.rejects(createHubKeys({ raw }).has("a"), { code: "hub_unavailable" });
    }
  });
});
