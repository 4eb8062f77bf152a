import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as z from "zod";
import { structuralSchema } from "./structural-schema.ts";

describe("structuralSchema()", () => {
  const cases: { name: string; schema: z.ZodType; expected: unknown }[] = [
    {
      name: "describes what is written, so a field with a default may be left out",
      schema: z.object({ a: z.string(), b: z.string().default("x") }),
      expected: {
        type: "object",
        properties: { a: { type: "string" }, b: { type: "string", default: "x" } },
        required: ["a"],
      },
    },
    {
      name: "gives no default to a whole object or list",
      schema: z.object({
        a: z.object({ b: z.boolean().default(true) }).prefault({}),
        c: z.array(z.string()).default([]),
      }),
      expected: {
        type: "object",
        properties: {
          a: { type: "object", properties: { b: { type: "boolean", default: true } } },
          c: { type: "array", items: { type: "string" } },
        },
      },
    },
    {
      name: "keeps the bounds that somebody chose, and no others",
      schema: z.object({ a: z.int(), b: z.int().min(1).max(9), c: z.int().gt(0) }),
      expected: {
        type: "object",
        properties: {
          a: { type: "integer" },
          b: { type: "integer", minimum: 1, maximum: 9 },
          c: { type: "integer", minimum: 0, exclusiveMinimum: true },
        },
        required: ["a", "b", "c"],
      },
    },
    {
      name: "lets unknown fields be pruned, not refused",
      schema: z.strictObject({ a: z.string() }),
      expected: { type: "object", properties: { a: { type: "string" } }, required: ["a"] },
    },
    {
      name: "says what a map holds",
      schema: z.record(z.string(), z.object({ a: z.enum(["X", "Y"]) })),
      expected: {
        type: "object",
        additionalProperties: {
          type: "object",
          properties: { a: { type: "string", enum: ["X", "Y"] } },
          required: ["a"],
        },
      },
    },
    {
      name: "passes on what the API server alone understands",
      schema: z
        .string()
        .default("10m")
        .meta({ "x-kubernetes-validations": [{ rule: "self != ''" }] }),
      expected: {
        type: "string",
        default: "10m",
        "x-kubernetes-validations": [{ rule: "self != ''" }],
      },
    },
  ];
  for (const { name, schema, expected } of cases) {
    it(name, () => {
      assert.deepEqual(structuralSchema(schema), expected);
    });
  }

  it("puts the description before everything else", () => {
    const keywords = Object.keys(structuralSchema(z.string().min(1).default("x").describe("A.")));
    assert.deepEqual(keywords.slice(0, 2), ["description", "type"]);
  });
});
