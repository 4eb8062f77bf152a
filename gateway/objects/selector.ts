import type { ObjectMeta } from "#api";
import { GatewayError } from "../answers/gateway-error.ts";

/** Whether an object is meant. */
export type ObjectTest = (metadata: ObjectMeta) => boolean;
type Test = ObjectTest;

/**
 * Reads `labelSelector` and `fieldSelector` of a query. Throws a GatewayError `bad_request` for a
 * selector that cannot be read, since a list of too many objects would be a wrong answer.
 */
export function parseSelectors(query: URLSearchParams): Test {
  const labels = split(query.get("labelSelector") ?? "").map(parseLabelTerm);
  const fields = split(query.get("fieldSelector") ?? "").map(parseFieldTerm);
  return (metadata) => [...labels, ...fields].every((test) => test(metadata));
}

/** Commas inside parentheses belong to a set. */
function split(selector: string): readonly string[] {
  return (selector.match(/(?:\([^)]*\)|[^,(])+/g) ?? []).map((term) => term.trim());
}

const labelForms: readonly (readonly [RegExp, (key: string, value: string) => Test])[] = [
  [/^!\s*([\w./-]+)()$/, (key) => (m) => valueOf(m, key) === undefined],
  [/^([\w./-]+)()$/, (key) => (m) => valueOf(m, key) !== undefined],
  [/^([\w./-]+)\s*==?\s*([\w.-]*)$/, (key, value) => (m) => valueOf(m, key) === value],
  [/^([\w./-]+)\s*!=\s*([\w.-]*)$/, (key, value) => (m) => valueOf(m, key) !== value],
  [/^([\w./-]+)\s+in\s+\(([^)]*)\)$/, (key, set) => (m) => isIn(set, valueOf(m, key))],
  [/^([\w./-]+)\s+notin\s+\(([^)]*)\)$/, (key, set) => (m) => !isIn(set, valueOf(m, key))],
];

function parseLabelTerm(term: string): Test {
  for (const [form, makeTest] of labelForms) {
    const match = form.exec(term);
    if (match !== null) return makeTest(match[1] ?? "", match[2] ?? "");
  }
  throw new GatewayError("bad_request", `Cannot read labelSelector "${term}"`);
}

function parseFieldTerm(term: string): Test {
  const [, operator, value] = /^metadata\.name\s*(==?|!=)\s*([\w.-]+)$/.exec(term) ?? [];
  if (operator === undefined) {
    throw new GatewayError(
      "bad_request",
      `Cannot use fieldSelector "${term}": only metadata.name can be selected by`,
    );
  }
  return operator === "!=" ? ({ name }) => name !== value : ({ name }) => name === value;
}

function valueOf({ labels = {} }: ObjectMeta, key: string): string | undefined {
  return labels[key];
}

function isIn(set: string, value: string | undefined): boolean {
  return (
    value !== undefined &&
    set
      .split(",")
      .map((item) => item.trim())
      .includes(value)
  );
}
