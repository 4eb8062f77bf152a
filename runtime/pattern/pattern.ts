import { type CharacterTest, type Node, PatternError, parsePattern } from "./syntax.ts";

/** True for texts that a pattern describes from their first to their last character. */
export type Pattern = (text: string) => boolean;

type State =
  | { readonly kind: "take"; readonly takes: CharacterTest; readonly next: number }
  | { readonly kind: "fork"; readonly next: readonly number[] }
  | { readonly kind: "edge"; readonly at: "start" | "end"; readonly next: number }
  | { readonly kind: "match" };

const maxLength = 512;
const maxStates = 2000;

/**
 * Makes a pattern that costs, whatever it is and whatever it is asked, at most its length times
 * the length of the text: it follows all ways through at once and never goes back.
 *
 * Throws a {@link PatternError}: for what is no pattern, for what would need backtracking (back
 * references, looking around), and for a pattern that is too large.
 */
export function compilePattern(pattern: string): Pattern {
  if (pattern.length > maxLength) throw new PatternError(`it is longer than ${maxLength}`);
  const states: State[] = [{ kind: "match" }];
  const start = build(parsePattern(pattern), 0, states);
  return (text) => matches(states, start, text);
}

/** Adds the states of a node that goes on to `next`, and returns its first. */
function build(node: Node, next: number, states: State[]): number {
  switch (node.kind) {
    case "one":
      return add({ kind: "take", takes: node.takes, next }, states);
    case "edge":
      return add({ kind: "edge", at: node.at, next }, states);
    case "sequence":
      return node.parts.reduceRight((after, part) => build(part, after, states), next);
    case "choice":
      return add(
        { kind: "fork", next: node.options.map((option) => build(option, next, states)) },
        states,
      );
    case "repeat":
      return repeat(node, next, states);
  }
}

function repeat(
  { node, least, most }: Extract<Node, { kind: "repeat" }>,
  next: number,
  states: State[],
): number {
  let at = most === undefined ? loop(node, next, states) : next;
  for (let left = (most ?? least) - least; left > 0; left -= 1) {
    at = add({ kind: "fork", next: [build(node, at, states), next] }, states);
  }
  for (let left = least; left > 0; left -= 1) at = build(node, at, states);
  return at;
}

function loop(node: Node, next: number, states: State[]): number {
  const fork = add({ kind: "fork", next: [next] }, states);
  states[fork] = { kind: "fork", next: [next, build(node, fork, states)] };
  return fork;
}

function add(state: State, states: State[]): number {
  if (states.length >= maxStates) throw new PatternError("it repeats too much");
  return states.push(state) - 1;
}

function matches(states: readonly State[], start: number, text: string): boolean {
  const characters = Array.from(text);
  let current = closure(states, [start], 0, characters.length);
  for (const [at, character] of characters.entries()) {
    const code = character.codePointAt(0) ?? 0;
    const next: number[] = [];
    for (const index of current) {
      const state = states[index];
      if (state?.kind === "take" && state.takes(code)) next.push(state.next);
    }
    if (next.length === 0) return false;
    current = closure(states, next, at + 1, characters.length);
  }
  return current.has(0);
}

/** All states that can be reached from some without taking a character. */
function closure(
  states: readonly State[],
  from: readonly number[],
  at: number,
  length: number,
): ReadonlySet<number> {
  const reached = new Set<number>();
  const open = [...from];
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    if (reached.has(index)) continue;
    reached.add(index);
    const state = states[index];
    if (state?.kind === "fork") open.push(...state.next);
    if (state?.kind === "edge" && at === (state.at === "start" ? 0 : length)) open.push(state.next);
  }
  return reached;
}
