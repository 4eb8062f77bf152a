import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseIdentifiers } from "../wire/identifiers.ts";
import { type TokenVerdict, tokenIdentity } from "./token-identity.ts";

const account = { namespace: "kube-system", serviceAccount: "konnectivity-agent" };
const good = "system:serviceaccount:kube-system:konnectivity-agent";

function verdict(change: Partial<TokenVerdict> = {}): TokenVerdict {
  return { isAuthenticated: true, username: good, error: "", ...change };
}

async function authorize(
  authorization: readonly string[],
  judge: (token: string) => Promise<TokenVerdict>,
): Promise<string> {
  const identifiers = parseIdentifiers("");
  const claim = { agentId: "a", identifiers, certificate: undefined, authorization };
  try {
    return (await tokenIdentity(account, judge)(claim)) ?? "admitted";
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
}

describe("tokenIdentity()", () => {
  const headers: Readonly<Record<string, readonly [readonly string[], string]>> = {
    "admits a token of the account": [["Bearer t"], "admitted"],
    "refuses an agent without a token": [[], "Authentication context was not found in metadata"],
    "refuses several": [["Bearer t", "Bearer u"], "too many (2) tokens are received"],
    "refuses another scheme": [["bearer t"], 'received token does not have "Bearer " prefix'],
  };
  for (const [name, [authorization, want]] of Object.entries(headers)) {
    it(name, async () =>
      assert.equal(await authorize(authorization, () => Promise.resolve(verdict())), want),
    );
  }

  const verdicts: Readonly<Record<string, readonly [Partial<TokenVerdict>, string]>> = {
    "says why the cluster could not look at it": [{ error: "no such issuer" }, "no such issuer"],
    "refuses one that is not valid": [{ isAuthenticated: false }, "service account jwt not valid"],
    "refuses a user of another form": [{ username: "alice" }, "unexpected username format"],
    "refuses what is no ServiceAccount": [
      { username: "system:node:a:b" },
      "username returned is not a service account",
    ],
    "refuses another namespace": [
      { username: "system:serviceaccount:default:konnectivity-agent" },
      'incoming request from "default" namespace. Expected "kube-system"',
    ],
    "refuses another account": [
      { username: "system:serviceaccount:kube-system:other" },
      'incoming request from "other" service account. Expected "konnectivity-agent"',
    ],
  };
  for (const [name, [change, want]] of Object.entries(verdicts)) {
    it(name, async () => {
      const got = await authorize(["Bearer t"], () => Promise.resolve(verdict(change)));
      assert.equal(got, `Failed to validate authentication token, err:lookup failed: ${want}`);
    });
  }

  it("refuses while the cluster cannot be asked, and shows no token", async () => {
    const got = await authorize(["Bearer secret"], () => Promise.reject(new Error("no route")));
    assert.equal(
      got,
      "Failed to validate authentication token, err:Failed to authenticate request. err:no route",
    );
  });
});
