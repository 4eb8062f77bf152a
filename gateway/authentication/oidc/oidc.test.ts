import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { silentLogger } from "#runtime";
import { type ClaimMapping, userOfClaims } from "./claims.ts";
import { createIssuerKeys } from "./issuer-keys.ts";
import { createOidc, type OidcOptions } from "./oidc.ts";

const issuerUrl = "https://idp.acme";
const options: OidcOptions = {
  issuerUrl,
  clientId: "hub",
  usernameClaim: "email",
  groupsClaim: "groups",
  algorithms: ["RS256", "ES256"],
};

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;
let rsa: Pair;
let ec: Pair;
let stranger: Pair;
before(async () => {
  [rsa, ec, stranger] = await Promise.all([
    generateKeyPair("RS256"),
    generateKeyPair("ES256"),
    generateKeyPair("RS256"),
  ]);
});

/** An issuer with these keys, and what was asked of it. */
function issuer(initial: Readonly<Record<string, Pair>>) {
  const state = { keys: initial, asked: 0, isDown: false, nowMs: 1_000_000, issuer: issuerUrl };
  const keys = createIssuerKeys({
    issuerUrl,
    now: () => state.nowMs,
    async fetchDocument(url) {
      if (state.isDown) throw new Error("down");
      if (url.pathname === "/.well-known/openid-configuration") {
        return { issuer: state.issuer, jwks_uri: `${issuerUrl}/keys` };
      }
      state.asked += 1;
      const entries = Object.entries(state.keys);
      return {
        keys: await Promise.all(
          entries.map(async ([kid, { publicKey }]) =>
            Object.assign(await exportJWK(publicKey), { kid }),
          ),
        ),
      };
    },
  });
  return { state, keys };
}

interface TokenOptions {
  readonly alg?: string;
  readonly kid?: string | undefined;
  readonly claims?: JWTPayload;
}

async function makeToken(
  key: Pair["privateKey"] | Uint8Array,
  { alg = "RS256", kid = "a", claims }: TokenOptions = {},
) {
  const payload = {
    iss: issuerUrl,
    aud: "hub",
    exp: Math.floor(Date.now() / 1000) + 60,
    email: "ann@acme.com",
    groups: ["devs"],
    ...claims,
  };
  const header = kid === "" ? { alg } : { alg, kid };
  return new SignJWT(payload).setProtectedHeader(header).sign(key);
}

const byHub = (token: string) =>
  Promise.resolve({ name: `hub:${token.length > 0}`, groups: [], extra: {} });

describe("createOidc()", () => {
  const review = (keys: ReturnType<typeof issuer>["keys"], given = options) =>
    createOidc(given, keys, byHub, silentLogger);

  it("reads a token of the issuer, with RSA and with ECDSA", async () => {
    const { keys } = issuer({ a: rsa, b: ec });
    const want = { name: "ann@acme.com", groups: ["devs", "system:authenticated"], extra: {} };
    assert.deepEqual(await review(keys)(await makeToken(rsa.privateKey)), want);
    const token = await makeToken(ec.privateKey, { alg: "ES256", kid: "b" });
    assert.deepEqual(await review(keys)(token), want);
  });

  it("leaves what is not the issuer's to the hub", async () => {
    const { keys } = issuer({ a: rsa });
    const other = await makeToken(rsa.privateKey, { claims: { iss: "https://hub" } });
    assert.equal((await review(keys)(other))?.name, "hub:true");
    assert.equal((await review(keys)("opaque"))?.name, "hub:true");
  });

  const now = () => Math.floor(Date.now() / 1000);
  const bad: Readonly<Record<string, () => Promise<string>>> = {
    "signed by somebody else": async () => makeToken(stranger.privateKey),
    "for somebody else": async () => makeToken(rsa.privateKey, { claims: { aud: "other" } }),
    "that has expired": async () => makeToken(rsa.privateKey, { claims: { exp: now() - 60 } }),
    "that never expires": async () =>
      makeToken(rsa.privateKey, { claims: { exp: undefined as never } }),
    "that is not valid yet": async () =>
      makeToken(rsa.privateKey, { claims: { nbf: now() + 600 } }),
    "that names no key": async () => makeToken(rsa.privateKey, { kid: "" }),
    "that names an unknown key": async () => makeToken(rsa.privateKey, { kid: "z" }),
    "with an algorithm that is not accepted": async () =>
      makeToken((await generateKeyPair("PS256")).privateKey, { alg: "PS256" }),
    "that nobody signed": () =>
      Promise.resolve(
        new UnsecuredJWT({ email: "root" })
          .setIssuer(issuerUrl)
          .setAudience("hub")
          .setExpirationTime("1h")
          .encode(),
      ),
    "signed with the public key as a shared secret": async () =>
      makeToken(new TextEncoder().encode(JSON.stringify(await exportJWK(rsa.publicKey))), {
        alg: "HS256",
      }),
    "that was changed": async () => {
      const [head = "", , signature = ""] = (await makeToken(rsa.privateKey)).split(".");
      const claims = { iss: issuerUrl, aud: "hub", exp: now() + 60, email: "root@acme.com" };
      return [head, Buffer.from(JSON.stringify(claims)).toString("base64url"), signature].join(".");
    },
  };
  for (const [what, token] of Object.entries(bad)) {
    it(`accepts no token ${what}, and does not show it to the hub`, async () => {
      const { keys } = issuer({ a: rsa });
      assert.equal(await review(keys)(await token()), undefined);
    });
  }

  it("believes a token no longer than the token says", async (context) => {
    context.mock.timers.enable({ apis: ["Date"], now: Date.now() });
    const { keys } = issuer({ a: rsa });
    const reviewToken = review(keys);
    const token = await makeToken(rsa.privateKey, { claims: { exp: now() + 3 } });
    assert.equal((await reviewToken(token))?.name, "ann@acme.com");
    context.mock.timers.setTime(Date.now() + 20_000);
    assert.equal(await reviewToken(token), undefined);
  });
});

describe("createIssuerKeys()", () => {
  const read = async (keys: ReturnType<typeof issuer>["keys"], token: string) =>
    (await createOidc(options, keys, byHub, silentLogger)(token))?.name;

  it("asks once for all, and not again while keys are fresh", async () => {
    const { state, keys } = issuer({ a: rsa });
    const token = await makeToken(rsa.privateKey);
    await Promise.all([read(keys, token), read(keys, token)]);
    state.nowMs += 9 * 60_000;
    await read(keys, token);
    assert.equal(state.asked, 1);
  });

  it("takes a new key when a token names it, and forgets one that has gone", async () => {
    const { state, keys } = issuer({ a: rsa });
    const old = await makeToken(rsa.privateKey);
    const renewed = await makeToken(stranger.privateKey, { kid: "b" });
    await read(keys, old);
    state.keys = { b: stranger };
    state.nowMs += 31_000;
    assert.equal(await read(keys, renewed), "ann@acme.com");
    assert.equal(await read(keys, old), undefined);
  });

  it("lets nobody make it ask without end", async () => {
    const { state, keys } = issuer({ a: rsa });
    const unknown = await makeToken(rsa.privateKey, { kid: "z" });
    for (let count = 0; count < 20; count += 1) await read(keys, unknown);
    assert.equal(state.asked, 1);
  });

  it("goes on for an hour while the issuer is away, and says so after that", async () => {
    const { state, keys } = issuer({ a: rsa });
    const token = await makeToken(rsa.privateKey);
    await read(keys, token);
    state.isDown = true;
    state.nowMs += 59 * 60_000;
    assert.equal(await read(keys, token), "ann@acme.com");
    state.nowMs += 2 * 60_000;
    await assert.rejects(read(keys, token), { code: "hub_unavailable", message: /idp\.acme/ });
    state.isDown = false;
    assert.equal(await read(keys, token), "ann@acme.com");
  });

  it("believes no issuer that calls itself otherwise", async () => {
    const { state, keys } = issuer({ a: rsa });
    state.issuer = "https://other";
    await assert.rejects(read(keys, await makeToken(rsa.privateKey)), { code: "hub_unavailable" });
  });
});

describe("userOfClaims()", () => {
  const cases: readonly (readonly [
    what: string,
    claims: object,
    mapping: Partial<ClaimMapping>,
    want: string | undefined,
  ])[] = [
    [
      "names the issuer before the subject",
      { sub: "7" },
      {},
      "https://idp.acme#7 system:authenticated",
    ],
    ["takes a prefix", { sub: "7" }, { usernamePrefix: "oidc:" }, "oidc:7 system:authenticated"],
    ["takes none with -", { sub: "7" }, { usernamePrefix: "-" }, "7 system:authenticated"],
    [
      "takes an email as it is",
      { email: "a@b" },
      { usernameClaim: "email" },
      "a@b system:authenticated",
    ],
    [
      "refuses an email that is not verified",
      { email: "a@b", email_verified: false },
      { usernameClaim: "email" },
      undefined,
    ],
    [
      "refuses verified in another form",
      { email: "a@b", email_verified: "true" },
      { usernameClaim: "email" },
      undefined,
    ],
    ["refuses a name that is no text", { sub: ["7"] }, {}, undefined],
    ["refuses an empty name", { sub: "" }, {}, undefined],
    ["makes nobody a system user", { sub: "system:admin" }, { usernamePrefix: "-" }, undefined],
    [
      "puts nobody in a system group",
      { sub: "7", groups: ["system:masters", "devs"] },
      { usernamePrefix: "-", groupsClaim: "groups" },
      "7 devs system:authenticated",
    ],
    [
      "makes no system group with a prefix",
      { sub: "7", groups: ["masters"] },
      { usernamePrefix: "-", groupsClaim: "groups", groupsPrefix: "system:" },
      "7 system:authenticated",
    ],
    [
      "takes one group as a text",
      { sub: "7", groups: "devs" },
      { usernamePrefix: "-", groupsClaim: "groups", groupsPrefix: "o:" },
      "7 o:devs system:authenticated",
    ],
    [
      "leaves out groups that are no texts",
      { sub: "7", groups: [1, null, ""] },
      { usernamePrefix: "-", groupsClaim: "groups" },
      "7 system:authenticated",
    ],
    [
      "requires what is required",
      { sub: "7", org: "b" },
      { requiredClaims: { org: "a" } },
      undefined,
    ],
    [
      "lets pass what is required",
      { sub: "7", org: "a" },
      { requiredClaims: { org: "a" }, usernamePrefix: "-" },
      "7 system:authenticated",
    ],
  ];
  for (const [what, claims, mapping, want] of cases) {
    it(what, () => {
      const user = userOfClaims(claims as Record<string, unknown>, { issuerUrl, ...mapping });
      assert.equal(user && [user.name, ...user.groups].join(" "), want);
    });
  }
});
