export { isAbortError, isAborted, type Sleep, sleep } from "./abort.ts";
export { type BackoffOptions, backoffDelays, retry } from "./backoff.ts";
export {
  createExpiringCache,
  type ExpiringCache,
  type ExpiringCacheOptions,
} from "./expiring-cache.ts";
export { formatGoDuration, parseGoDuration } from "./go-duration.ts";
export {
  type Check,
  createHealthServer,
  type HealthServerOptions,
  type Route,
} from "./health-server.ts";
export { createLineFile, type LineFile, type LineFileOptions } from "./line-file.ts";
export {
  createLogger,
  describeError,
  type Fields,
  type Logger,
  type LogLevel,
  silentLogger,
} from "./logger.ts";
export {
  type CounterMetric,
  createMetrics,
  type GaugeMetric,
  type HistogramMetric,
  type Labels,
  type Metrics,
} from "./metrics.ts";
export {
  createProxyChooser,
  type OutgoingProxy,
  type ProxyChooser,
  type ProxyRules,
  proxyRulesOf,
} from "./outgoing-proxy/proxy-rules.ts";
export {
  askForTunnel,
  connectThroughProxy,
  ProxyError,
  type ProxyTarget,
  proxyAddress,
} from "./outgoing-proxy/proxy-tunnel.ts";
export { outlive } from "./outlive.ts";
export { compilePattern, type Pattern } from "./pattern/pattern.ts";
export { PatternError } from "./pattern/syntax.ts";
export { createProfileRoutes } from "./profile-routes.ts";
export { runAll } from "./run-all.ts";
export type { Runnable } from "./runnable.ts";
export { TerminalError } from "./terminal-error.ts";
export { createOtlpExporter, type OtlpExporter } from "./tracing/otlp-exporter.ts";
export {
  formatTraceparent,
  parseTraceContext,
  type TraceContext,
} from "./tracing/trace-context.ts";
export { type Attributes, createTracer, type Span, type Tracer, traced } from "./tracing/tracer.ts";
export { type WatchedFiles, watchFiles } from "./watched-file.ts";
export { shareMetrics } from "./workers/worker-link.ts";
export { createWorkers, type WorkersOptions } from "./workers/workers.ts";
