import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addOnDeploymentConfig } from "#api";
import { booleanVariable, labelsVariable, variable, wholeNumberVariable } from "./variables.ts";

const readers = { variable, wholeNumberVariable, booleanVariable, labelsVariable };

function configWith(value: string) {
  const customizedVariables = [{ name: "x", value }];
  return addOnDeploymentConfig.parse({ metadata: { name: "c" }, spec: { customizedVariables } });
}

describe("variables", () => {
  for (const [name, read] of Object.entries(readers)) {
    it(`${name}() answers undefined for one that is not given`, () => {
      assert.equal(read(undefined, "x"), undefined);
      assert.equal(read(configWith("1"), "y"), undefined);
    });
  }

  const read: readonly (readonly [keyof typeof readers, string, unknown])[] = [
    ["variable", "", ""],
    ["wholeNumberVariable", "12", 12],
    ["booleanVariable", "True", true],
    ["booleanVariable", "f", false],
    ["labelsVariable", '{"a":"b"}', { a: "b" }],
  ];
  for (const [name, text, expected] of read) {
    it(`${name}() reads "${text}"`, () => {
      assert.deepEqual(readers[name](configWith(text), "x"), expected);
    });
  }

  const refused: readonly (readonly [keyof typeof readers, string])[] = [
    ["wholeNumberVariable", "-1"],
    ["wholeNumberVariable", "many"],
    ["booleanVariable", "yes"],
    ["booleanVariable", "toString"],
    ["labelsVariable", "{"],
    ["labelsVariable", '{"a":1}'],
    ["labelsVariable", "null"],
  ];
  for (const [name, text] of refused) {
    it(`${name}() refuses "${text}", and quotes it`, () => {
      const message = `Cannot use variable x "${text}"`;
      assert.throws(
        () => readers[name](configWith(text), "x"),
        (error) =>
          error instanceof Error &&
          error.name === "TerminalError" &&
          error.message.startsWith(message),
      );
    });
  }
});
