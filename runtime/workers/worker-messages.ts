import type { MetricsSnapshot } from "../metrics.ts";

/** What a worker tells the process that started it. */
export type FromWorker =
  | { readonly kind: "metricsAsked"; readonly id: number }
  | { readonly kind: "metricsGiven"; readonly id: number; readonly snapshot: MetricsSnapshot };

/** What it is told. */
export type ToWorker =
  | { readonly kind: "metricsWanted"; readonly id: number }
  | { readonly kind: "metricsText"; readonly id: number; readonly text: string };
