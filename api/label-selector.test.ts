import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { labelSelectorSchema, matchesSelector } from "./label-selector.ts";

const labels = { env: "prod", region: "eu" };
const expression = (key: string, operator: string, ...values: readonly string[]) => ({
  matchExpressions: [{ key, operator, values }],
});

const cases: readonly (readonly [name: string, selector: object, want: boolean])[] = [
  ["an empty selector selects everything", {}, true],
  ["a label that is there", { matchLabels: { env: "prod" } }, true],
  ["a label of another value", { matchLabels: { env: "test" } }, false],
  ["all labels have to be there", { matchLabels: { env: "prod", tier: "1" } }, false],
  ["In", expression("env", "In", "test", "prod"), true],
  ["In without the label", expression("tier", "In", "1"), false],
  ["NotIn", expression("env", "NotIn", "prod"), false],
  ["NotIn without the label", expression("tier", "NotIn", "1"), true],
  ["Exists", expression("region", "Exists"), true],
  ["Exists without the label", expression("tier", "Exists"), false],
  ["DoesNotExist", expression("tier", "DoesNotExist"), true],
  ["an operator that nobody knows", expression("env", "toString"), false],
  [
    "labels and expressions together",
    { matchLabels: { env: "prod" }, ...expression("region", "In", "us") },
    false,
  ],
];

describe("matchesSelector()", () => {
  for (const [name, selector, want] of cases) {
    it(`${name}: ${want}`, () => {
      assert.equal(matchesSelector(labelSelectorSchema.parse(selector), labels), want);
    });
  }
});
