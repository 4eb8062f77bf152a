/** What a metric looks like from outside. */
export interface MetricFamily {
  readonly help: string;
  readonly type: string;
  /** Names of the labels that its samples have; `le` is a histogram's own. */
  readonly labels: readonly string[];
}

/** Reads Prometheus' text format: families by name. */
export function metricFamilies(text: string): ReadonlyMap<string, MetricFamily> {
  const families = new Map<string, { help: string; type: string; labels: Set<string> }>();
  const family = (name: string) => {
    const found = families.get(name) ?? { help: "", type: "", labels: new Set<string>() };
    families.set(name, found);
    return found;
  };
  for (const line of text.split("\n")) {
    const [, comment, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (comment === "HELP") family(name).help = rest;
    if (comment === "TYPE") family(name).type = rest;
    const [, sample, labels = ""] = /^([a-zA-Z_]+)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
    if (sample === undefined) continue;
    const base = sample.replace(/_(?:bucket|sum|count)$/, "");
    const owner = families.has(sample) ? sample : base;
    for (const [, label = ""] of labels.matchAll(/([a-zA-Z_]+)="/g)) {
      if (label !== "le") family(owner).labels.add(label);
    }
  }
  return new Map(
    [...families].map(([name, { help, type, labels }]) => [
      name,
      { help, type, labels: [...labels].toSorted() },
    ]),
  );
}
