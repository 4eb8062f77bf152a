import { mkdir, writeFile } from "node:fs/promises";

/** One figure of a bench beside what it is compared with; `ratio` is `ours / reference`. */
export interface Row {
  readonly case: string;
  readonly ours: number;
  readonly reference: number;
  readonly ratio: number;
  /** What `ratio` may be at most. */
  readonly must: number;
  readonly goal: number;
  readonly holds: boolean;
}

/** A figure that may not be above its limit. `goal` is a figure too; it defaults to the limit. */
export function atMost(name: string, ours: number, limit: number, goal = limit): Row {
  const ratio = round(ours / limit);
  const part = { case: name, ours: round(ours), reference: limit, ratio };
  return { ...part, must: 1, goal: round(goal / limit), holds: ours <= limit };
}

/** Prints the rows and keeps them in `.bench/NAME.json`; answers whether all of them hold. */
export async function publish(name: string, rows: readonly Row[]): Promise<boolean> {
  console.table(rows);
  await mkdir(".bench", { recursive: true });
  await writeFile(`.bench/${name}.json`, `${JSON.stringify(rows, undefined, 2)}\n`);
  return rows.every(({ holds }) => holds);
}

function round(figure: number): number {
  return Math.round(figure * 100) / 100;
}
