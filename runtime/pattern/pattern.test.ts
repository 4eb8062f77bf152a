import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { compilePattern } from "./pattern.ts";

describe("compilePattern()", () => {
  const cases: readonly (readonly [
    pattern: string,
    takes: readonly string[],
    not: readonly string[],
  ])[] = [
    ["dev", ["dev"], ["devs", "adev", "de", ""]],
    ["dev-.*", ["dev-", "dev-a"], ["adev-a", "dev"]],
    ["a|b", ["a", "b"], ["ab", "", "ac"]],
    ["^a|b$", ["a", "b"], ["ax", "xb"]],
    ["^(dev|ops)-[0-9]+$", ["dev-1", "ops-42"], ["dev-", "xdev-1", "dev-1x"]],
    ["(?:ab)*", ["", "ab", "abab"], ["a", "aba"]],
    ["a{2}", ["aa"], ["a", "aaa"]],
    ["a{1,2}", ["a", "aa"], ["", "aaa"]],
    ["a{2,}", ["aa", "aaaaa"], ["a"]],
    ["a{0,1}b?", ["", "a", "b", "ab"], ["ba"]],
    ["[^a-c]", ["d", "-"], ["a", "b", "c", "dd"]],
    ["[]a]", ["]", "a"], ["b"]],
    ["[a-]", ["a", "-"], ["b"]],
    ["[\\w.]+@acme\\.com", ["a.b@acme.com"], ["a@acmeXcom", "@acme.com"]],
    ["\\d\\D\\s", ["1a "], ["aa ", "11 "]],
    ["a.c", ["abc", "a\u{1f600}c"], ["a\nc", "ac"]],
    ["a*?b+?", ["ab", "b", "aabb"], ["a"]],
    ["x^y", [], ["xy", "x^y"]],
    ["(|a)(|b)", ["", "a", "b", "ab"], ["ba"]],
    ["(a*)*", ["", "aaa"], ["b"]],
  ];
  for (const [pattern, takes, not] of cases) {
    it(`reads ${pattern} as RE2 does, for the whole text`, () => {
      const isMatch = compilePattern(pattern);
      assert.deepEqual(
        takes.filter((text) => !isMatch(text)),
        [],
      );
      assert.deepEqual(not.filter(isMatch), []);
    });
  }

  const faulty = [
    "(",
    ")",
    "a)",
    "[a",
    "[b-a]",
    "*a",
    "a**",
    "a{2}{3}",
    "a{3,2}",
    "a{x}",
    "a{",
    "a{101}",
    "(?=a)",
    "(?<n>a)",
    "(a)\\1",
    "\\b",
    "\\",
    "[[:alpha:]]",
    "(".repeat(40),
    "a".repeat(513),
    "((a{100}){100}){100}",
  ];
  for (const pattern of faulty) {
    it(`refuses ${pattern.slice(0, 30)}`, () => {
      assert.throws(() => compilePattern(pattern), { name: "PatternError" });
    });
  }

  it("agrees with the engine of the language on whatever both can read", () => {
    const piece = fc.constantFrom("a", "b", ".", "[ab]", "[^a]", "(a|b)", "(ab)", "(a*b)", "a|b");
    const count = fc.constantFrom("", "*", "+", "?", "{2}", "{1,3}", "{2,}");
    const pattern = fc.array(
      fc.tuple(piece, count).map((pair) => pair.join("")),
      { maxLength: 6 },
    );
    const text = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 8 });
    fc.assert(
      fc.property(pattern, text, (parts, given) => {
        const written = parts.join("");
        const want = new RegExp(`^(?:${written})$`, "u").test(given);
        assert.equal(compilePattern(written)(given), want, `${written} on ${given}`);
      }),
      { numRuns: 2000 },
    );
  });

  it("takes no longer for what makes others try every way", () => {
    const startedAt = performance.now();
    for (const pattern of ["(a+)+b", "(a|a)*b", "a*a*a*a*a*a*b", "(.*)*x"]) {
      assert.equal(compilePattern(pattern)("a".repeat(5000)), false);
    }
    assert.ok(performance.now() - startedAt < 2000);
  });
});
