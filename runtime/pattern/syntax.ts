/** True for the characters, as code points, that one place of a pattern takes. */
export type CharacterTest = (code: number) => boolean;

/** A pattern as a tree. */
export type Node =
  | { readonly kind: "one"; readonly takes: CharacterTest }
  | { readonly kind: "edge"; readonly at: "start" | "end" }
  | { readonly kind: "sequence"; readonly parts: readonly Node[] }
  | { readonly kind: "choice"; readonly options: readonly Node[] }
  | {
      readonly kind: "repeat";
      readonly node: Node;
      readonly least: number;
      /** Without it, as often as there is something to take. */
      readonly most: number | undefined;
    };

/** A pattern that cannot be read, or asks for what is not offered. The message says what. */
export class PatternError extends Error {
  override readonly name = "PatternError";
}

/** Reads a pattern: the part of RE2's syntax that needs no backtracking to match. */
export function parsePattern(pattern: string): Node {
  return new Parser(pattern).parse();
}

const maxDepth = 32;
const maxCount = 100;

class Parser {
  readonly #characters: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(pattern: string) {
    this.#characters = Array.from(pattern);
  }

  parse(): Node {
    const node = this.#choice();
    if (this.#at < this.#characters.length) throw new PatternError("unexpected )");
    return node;
  }

  #choice(): Node {
    const options = [this.#sequence()];
    while (this.#take("|")) options.push(this.#sequence());
    const [only] = options;
    return options.length === 1 && only !== undefined ? only : { kind: "choice", options };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    while (this.#peek() !== undefined && this.#peek() !== "|" && this.#peek() !== ")") {
      parts.push(this.#repeated(this.#atom()));
    }
    return { kind: "sequence", parts };
  }

  #atom(): Node {
    const character = this.#next();
    switch (character) {
      case "(":
        return this.#group();
      case "[":
        return { kind: "one", takes: this.#set() };
      case ".":
        return { kind: "one", takes: (code) => code !== newline };
      case "^":
        return { kind: "edge", at: "start" };
      case "$":
        return { kind: "edge", at: "end" };
      case "\\":
        return this.#escaped();
      case "*":
      case "+":
      case "?":
        throw new PatternError(`nothing to repeat before ${character}`);
      default:
        return { kind: "one", takes: literal(character) };
    }
  }

  #group(): Node {
    if (this.#take("?") && !this.#take(":")) {
      throw new PatternError("(? is only known as (?:");
    }
    this.#depth += 1;
    if (this.#depth > maxDepth) throw new PatternError("groups are nested too deep");
    const node = this.#choice();
    this.#depth -= 1;
    if (!this.#take(")")) throw new PatternError("missing )");
    return node;
  }

  #escaped(): Node {
    if (this.#take("A")) return { kind: "edge", at: "start" };
    if (this.#take("z")) return { kind: "edge", at: "end" };
    const character = this.#next();
    return { kind: "one", takes: classOf(character) ?? literal(punctuation(character)) };
  }

  #repeated(node: Node): Node {
    const counted = this.#count();
    if (counted === undefined) return node;
    // Whether few or many are tried first makes no difference to what matches.
    this.#take("?");
    if (this.#count() !== undefined) throw new PatternError("a repetition is repeated");
    return { kind: "repeat", node, ...counted };
  }

  #count(): { readonly least: number; readonly most: number | undefined } | undefined {
    if (this.#take("*")) return { least: 0, most: undefined };
    if (this.#take("+")) return { least: 1, most: undefined };
    if (this.#take("?")) return { least: 0, most: 1 };
    return this.#peek() === "{" ? this.#braces() : undefined;
  }

  #braces(): { readonly least: number; readonly most: number | undefined } {
    const end = this.#characters.indexOf("}", this.#at);
    const text = this.#characters.slice(this.#at, end + 1).join("");
    const [, least, comma, most] = /^\{(\d{1,4})(,?)(\d{0,4})\}$/.exec(text) ?? [];
    if (least === undefined) throw new PatternError("{ begins no count: write \\{ for itself");
    this.#at = end + 1;
    const from = Number(least);
    const to = comma === "" ? from : most === "" ? undefined : Number(most);
    if (from > maxCount || (to ?? from) > maxCount || (to ?? from) < from) {
      throw new PatternError(`${text} is no count up to ${maxCount}`);
    }
    return { least: from, most: to };
  }

  #set(): CharacterTest {
    const isNegated = this.#take("^");
    const tests: CharacterTest[] = [];
    while (tests.length === 0 || this.#peek() !== "]") tests.push(this.#member());
    this.#next();
    const takes: CharacterTest = (code) => tests.some((test) => test(code));
    return isNegated ? (code) => !takes(code) : takes;
  }

  #member(): CharacterTest {
    const known = this.#peek() === "\\" ? classOf(this.#characters[this.#at + 1]) : undefined;
    if (known !== undefined) {
      this.#at += 2;
      return known;
    }
    const from = this.#bound();
    if (from === "[" && this.#peek() === ":") throw new PatternError("[: is not known");
    if (this.#peek() !== "-" || this.#characters[this.#at + 1] === "]") return literal(from);
    this.#next();
    const to = this.#bound();
    if (codeOf(to) < codeOf(from)) throw new PatternError(`${from}-${to} is no range`);
    return (code) => codeOf(from) <= code && code <= codeOf(to);
  }

  #bound(): string {
    return this.#take("\\") ? punctuation(this.#next()) : this.#next();
  }

  #peek(): string | undefined {
    return this.#characters[this.#at];
  }

  #next(): string {
    const character = this.#peek();
    if (character === undefined) throw new PatternError("it ends too early");
    this.#at += 1;
    return character;
  }

  #take(character: string): boolean {
    const isThere = this.#peek() === character;
    if (isThere) this.#at += 1;
    return isThere;
  }
}

const newline = 0x0a;

function codeOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}

function literal(character: string): CharacterTest {
  const wanted = codeOf(character);
  return (code) => code === wanted;
}

/** ASCII only, as RE2 has them. */
const classes: Readonly<Record<string, RegExp>> = { d: /^[0-9]$/, w: /^\w$/, s: /^[\t\n\f\r ]$/ };

function classOf(letter = ""): CharacterTest | undefined {
  const known = classes[letter.toLowerCase()];
  if (known === undefined) return undefined;
  const isNegated = letter !== letter.toLowerCase();
  return (code) => known.test(String.fromCodePoint(code)) !== isNegated;
}

function punctuation(character: string): string {
  if (/^[!-/:-@[-`{-~]$/.test(character)) return character;
  throw new PatternError(`\\${character} is not known`);
}
