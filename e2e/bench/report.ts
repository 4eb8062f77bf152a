import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** One claim: what was measured, against what, and what it must be. */
export interface Finding {
  readonly case: string;
  readonly ours: number;
  /** What `ours` is compared with; 1 where the figure stands for itself. */
  readonly reference: number;
  readonly ratio: number;
  /** A bound such as `>= 0.3` or `<= 5`: of the ratio, or of `ours` where the case has a unit of its own. */
  readonly must: string;
  readonly goal: string;
  /** Whether the ratio is inside of `must`. */
  readonly holds: boolean;
}

export interface Claim {
  readonly case: string;
  readonly ours: number;
  readonly reference?: number;
  readonly must: string;
  readonly goal: string;
  /** What the bounds are about. Defaults to the ratio; the reference only shows then. */
  readonly bounded?: "ours" | "ratio";
}

/** Compares what was measured with its bound. Throws a RangeError for a bound that it cannot read. */
export function judge(claim: Claim): Finding {
  const { case: name, ours, reference = 1, must, goal, bounded = "ratio" } = claim;
  const ratio = ours / reference;
  const holds = isWithin(bounded === "ours" ? ours : ratio, must);
  return { case: name, ours, reference, ratio, must, goal, holds };
}

/** Whether a figure is inside of a bound such as `>= 0.3`. What is no number never is. */
export function isWithin(figure: number, bound: string): boolean {
  const [, sign, limit] = /^(<=|>=) ([\d.]+)$/.exec(bound) ?? [];
  if (limit === undefined) throw new RangeError(`Cannot read bound "${bound}"`);
  return sign === "<=" ? figure <= Number(limit) : figure >= Number(limit);
}

/** The middle one of some figures, of two middle ones the smaller. */
export function median(figures: readonly number[]): number {
  return quantile(figures, 0.5);
}

/** The figure below which `share` of all lie. */
export function quantile(figures: readonly number[], share: number): number {
  const sorted = figures.toSorted((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
}

/** Lines of a Markdown table, columns aligned. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = header.map((_, at) =>
    Math.max(...[header, ...rows].map((row) => (row[at] ?? "").length)),
  );
  const line = (row: readonly string[]) =>
    `| ${widths.map((width, at) => (row[at] ?? "").padEnd(width)).join(" | ")} |`;
  return [line(header), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join(
    "\n",
  );
}

/** A figure with three digits that count. */
export function formatFigure(figure: number): string {
  if (!Number.isFinite(figure)) return "-";
  return Math.abs(figure) >= 100 ? figure.toFixed(0) : String(Number(figure.toPrecision(3)));
}

/** Prints findings as a table and writes them to `.bench/NAME.json`. */
export async function publish(
  repository: string,
  name: string,
  findings: readonly Finding[],
): Promise<void> {
  const rows = findings.map((finding) => [
    finding.case,
    formatFigure(finding.ours),
    formatFigure(finding.reference),
    formatFigure(finding.ratio),
    finding.must,
    finding.goal,
    finding.holds ? "yes" : "NO",
  ]);
  const header = ["case", "ours", "reference", "ratio", "must", "goal", "holds"];
  process.stdout.write(`\n${formatTable(header, rows)}\n`);
  await mkdir(join(repository, ".bench"), { recursive: true });
  const file = join(repository, ".bench", `${name}.json`);
  await writeFile(file, `${JSON.stringify(findings, undefined, 1)}\n`);
}
