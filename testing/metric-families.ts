/** What a metric looks like from outside. */
export interface MetricFamily {
  readonly help: string;
  readonly type: string;
  /** Names of the labels that its samples have, without a histogram's own `le`. */
  readonly labels: readonly string[];
}

/** Reads Prometheus' text format: families by name. */
export function metricFamilies(text: string): ReadonlyMap<string, MetricFamily> {
  const lines = text.split("\n");
  const types = [...comments(lines, "TYPE")];
  const helps = new Map(comments(lines, "HELP"));
  return new Map(
    types.map(([name, type]) => {
      const labels = labelsOf(lines, name).filter((label) => label !== "le");
      return [name, { type, help: helps.get(name) ?? "", labels }];
    }),
  );
}

function comments(lines: readonly string[], kind: "HELP" | "TYPE") {
  const pattern = new RegExp(`^# ${kind} (?<name>\\S+) (?<text>.*)$`);
  return lines.flatMap((line): [string, string][] => {
    const { name, text } = pattern.exec(line)?.groups ?? {};
    return name === undefined || text === undefined ? [] : [[name, text]];
  });
}

function labelsOf(lines: readonly string[], family: string): readonly string[] {
  const sample = new RegExp(`^${family}(?:_bucket|_sum|_count)?\\{(?<labels>.*)\\} `);
  const labels = lines.flatMap((line) =>
    [...(sample.exec(line)?.groups?.["labels"] ?? "").matchAll(/(?<label>[a-zA-Z_]+)="/g)].map(
      ({ groups }) => groups?.["label"] ?? "",
    ),
  );
  return [...new Set(labels)].toSorted();
}
