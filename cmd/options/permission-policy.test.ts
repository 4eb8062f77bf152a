import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parsePermissionPolicy } from "./permission-policy.ts";

const parse = (json: string) => parsePermissionPolicy("permission-policy", json);

describe("parsePermissionPolicy()", () => {
  it("knows none, an empty one, and one whose gaps allow nothing", () => {
    assert.equal(parse(""), undefined);
    assert.deepEqual(parse("[]"), []);
    const [statement] = parse('[{"clusterRoles":["view"]}]') ?? [];
    assert.deepEqual(statement?.clusterRoles, ["view"]);
    assert.equal(statement.clusterWide, false);
    assert.deepEqual(statement.namespaces, []);
  });

  const refused: Readonly<Record<string, readonly [string, RegExp]>> = {
    "what is no JSON": ["[", /^UsageError: Cannot use --permission-policy: it is no JSON$/],
    "a field that it does not know": ['[{"clusterroles":["view"]}]', /\[0\] .*clusterroles/],
    "a wrong type": ['[{"clusterWide":"yes"}]', /\[0\.clusterWide\] /],
  };
  for (const [name, [json, message]] of Object.entries(refused)) {
    it(`refuses ${name}, and says where`, () => {
      assert.throws(() => parse(json), message);
    });
  }
});
