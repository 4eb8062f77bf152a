import { Counter, Gauge, Histogram, Registry } from "prom-client";

export type Labels = Readonly<Record<string, string>>;

export interface CounterMetric {
  inc(labels?: Labels, by?: number): void;
}

export interface GaugeMetric {
  set(value: number, labels?: Labels): void;
  add(by: number, labels?: Labels): void;
  /** Forgets one series, e.g. of a cluster that is gone. */
  remove(labels: Labels): void;
}

export interface HistogramMetric {
  observe(value: number, labels?: Labels): void;
}

export interface MetricOptions {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

export interface CounterOptions extends MetricOptions {
  /** The series of a counter that is kept elsewhere, read at each look at the metrics. */
  readonly collect?: () => Iterable<readonly [labels: Labels, value: number]>;
}

export interface GaugeOptions extends MetricOptions {
  /** Called before each look at the metrics, to set what changes by itself. */
  readonly collect?: (gauge: GaugeMetric) => void;
}

export interface HistogramOptions extends MetricOptions {
  readonly buckets: readonly number[];
}

/** The values of all metrics of a process at one moment, in a form that can be sent elsewhere. */
export type MetricsSnapshot = readonly { readonly name: string; readonly type: string }[];

/** Makes and holds the metrics of one process; nothing is registered globally. */
export interface Metrics {
  counter(options: CounterOptions): CounterMetric;
  gauge(options: GaugeOptions): GaugeMetric;
  histogram(options: HistogramOptions): HistogramMetric;
  /** All of them in the Prometheus text format. */
  text(): Promise<string>;
  /** The same for another process, which may add them to its own. */
  snapshot(): Promise<MetricsSnapshot>;
}

/** An empty set of metrics, with its own registry. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const base = ({ name, help, labels = [] }: MetricOptions) => ({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
  });
  return {
    counter(options) {
      const { collect } = options;
      const counter: Counter = new Counter({
        ...base(options),
        ...(collect === undefined ? {} : { collect: () => recount(counter, collect()) }),
      });
      return { inc: (labels = {}, by = 1) => counter.inc(labels, by) };
    },
    gauge(options) {
      const { collect } = options;
      const gauge = new Gauge({
        ...base(options),
        ...(collect === undefined ? {} : { collect: () => collect(metric) }),
      });
      const metric: GaugeMetric = {
        set: (value, labels = {}) => gauge.set(labels, value),
        add: (by, labels = {}) => gauge.inc(labels, by),
        remove: (labels) => gauge.remove(labels),
      };
      return metric;
    },
    histogram(options) {
      const histogram = new Histogram({ ...base(options), buckets: [...options.buckets] });
      return { observe: (value, labels = {}) => histogram.observe(labels, value) };
    },
    text: () => registry.metrics(),
    snapshot: async () => (await registry.getMetricsAsJSON()) as unknown as MetricsSnapshot,
  };
}

function recount(
  counter: Counter,
  series: Iterable<readonly [labels: Labels, value: number]>,
): void {
  counter.reset();
  for (const [labels, value] of series) counter.inc(labels, value);
}
