import { mkdir, writeFile } from "node:fs/promises";

/** One line of the table: what was measured of us and of Go, and what has to hold. */
export interface BenchCase {
  readonly case: string;
  readonly unit: string;
  readonly ours: number;
  /** Go's figure of the same run; `null` where the bound is a number of its own. */
  readonly reference: number | null;
  /** `ours / reference`, or `ours` itself where there is no reference. */
  readonly ratio: number;
  readonly must: string;
  readonly goal: string;
  readonly holds: boolean;
}

export interface Bounds {
  readonly must: number;
  readonly goal: number;
  /** Whether more or less is better. */
  readonly better: "more" | "less";
}

/** Judges one case. */
export function judge(
  name: string,
  unit: string,
  { ours, reference }: { readonly ours: number; readonly reference: number | null },
  { must, goal, better }: Bounds,
): BenchCase {
  const ratio = reference === null ? ours : ours / reference;
  const sign = better === "more" ? ">=" : "<=";
  const mark = reference === null ? "" : "x";
  return {
    case: name,
    unit,
    ours: rounded(ours),
    reference: reference === null ? null : rounded(reference),
    ratio: rounded(ratio),
    must: `${sign} ${must}${mark}`,
    goal: `${sign} ${goal}${mark}`,
    holds: better === "more" ? ratio >= must : ratio <= must,
  };
}

/** Prints the table and writes it as JSON. */
export async function report(file: string, cases: readonly BenchCase[]): Promise<void> {
  console.table(cases);
  await mkdir(".bench", { recursive: true });
  await writeFile(`.bench/${file}`, `${JSON.stringify(cases, undefined, 2)}\n`);
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** `q` from 0 to 1; NaN of nothing. */
function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
