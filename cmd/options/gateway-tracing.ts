import { readFile } from "node:fs/promises";
import {
  createOtlpExporter,
  createTracer,
  type Logger,
  type Metrics,
  type Runnable,
  type Tracer,
} from "#runtime";
import { type Flag, type FlagValues, UsageError } from "./flags.ts";

const million = 1_000_000;

/** Flags of the gateway about traces. Where they say nothing, OpenTelemetry's variables do. */
export const tracingFlags = {
  "tracing-endpoint": {
    type: "string",
    default: "",
    help: "Base URL of a collector that traces are sent to by OTLP over HTTP; OTEL_EXPORTER_OTLP_ENDPOINT when empty; without either, nothing is traced",
  },
  "tracing-sampling-rate-per-million": {
    type: "int",
    default: million,
    help: "Of the traces that begin here, how many are recorded; others go on as their clients began them",
  },
} as const satisfies Readonly<Record<string, Flag>>;

type Values = FlagValues<typeof tracingFlags>;
type Environment = Readonly<Record<string, string | undefined>>;

export interface Tracing {
  /** Undefined where nothing is traced. */
  readonly tracer: Tracer | undefined;
  readonly runnables: readonly Runnable[];
}

/** Makes what the flags and the environment ask for. Throws a UsageError for what cannot be used. */
export async function openTracing(
  values: Values,
  environment: Environment,
  version: string,
  { metrics, log }: { readonly metrics: Metrics; readonly log: Logger },
): Promise<Tracing> {
  const url = tracesUrl(values["tracing-endpoint"], environment);
  if (url === undefined) return { tracer: undefined, runnables: [] };
  const exporter = createOtlpExporter({
    url,
    headers: headersOf(environment["OTEL_EXPORTER_OTLP_HEADERS"] ?? ""),
    ca: await caOf(environment["OTEL_EXPORTER_OTLP_CERTIFICATE"] ?? ""),
    resource: {
      "service.name": environment["OTEL_SERVICE_NAME"] || "spokeway-gateway",
      "service.version": version,
    },
    metrics,
    log,
  });
  const ratio = samplingRatio(values["tracing-sampling-rate-per-million"], environment);
  const tracer = createTracer({ ratio, export: (span) => exporter.add(span) });
  return { tracer, runnables: [exporter] };
}

/** Where spans are posted to, or `undefined` where nothing is traced. */
export function tracesUrl(endpoint: string, environment: Environment): URL | undefined {
  if (environment["OTEL_SDK_DISABLED"]?.toLowerCase() === "true") return undefined;
  const text = endpointOf(endpoint, environment);
  if (text === "") return undefined;
  const protocol = environment["OTEL_EXPORTER_OTLP_PROTOCOL"] ?? "http/json";
  if (protocol !== "http/json") {
    throw new UsageError(`Cannot use OTEL_EXPORTER_OTLP_PROTOCOL=${protocol}: expected http/json`);
  }
  const url = URL.parse(text);
  if (url !== null && (url.protocol === "https:" || url.protocol === "http:")) return url;
  // Not the value: it may carry a password.
  throw new UsageError("Cannot send traces: --tracing-endpoint is not an http or https URL");
}

/** The flag first; then the variable for traces, which is used as it is; then that for everything. */
function endpointOf(flag: string, environment: Environment): string {
  const exact = environment["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] ?? "";
  if (flag === "" && exact !== "") return exact;
  const base = flag || (environment["OTEL_EXPORTER_OTLP_ENDPOINT"] ?? "");
  return base === "" ? "" : `${base.replace(/\/+$/, "")}/v1/traces`;
}

/** The share of new traces that are recorded, 0 to 1. */
export function samplingRatio(perMillion: number, environment: Environment): number {
  if (perMillion < 0 || perMillion > million) {
    throw new UsageError(
      `Cannot use --tracing-sampling-rate-per-million=${perMillion}: expected 0 to ${million}`,
    );
  }
  if (perMillion !== million) return perMillion / million;
  const sampler = environment["OTEL_TRACES_SAMPLER"] ?? "parentbased_always_on";
  switch (sampler) {
    case "parentbased_always_on":
      return 1;
    case "parentbased_always_off":
      return 0;
    case "parentbased_traceidratio":
      return ratioOf(environment["OTEL_TRACES_SAMPLER_ARG"] ?? "1");
    default:
      throw new UsageError(
        `Cannot use OTEL_TRACES_SAMPLER=${sampler}: expected parentbased_always_on, parentbased_always_off or parentbased_traceidratio`,
      );
  }
}

function ratioOf(text: string): number {
  const ratio = Number(text);
  if (ratio >= 0 && ratio <= 1) return ratio;
  throw new UsageError(`Cannot use OTEL_TRACES_SAMPLER_ARG=${text}: expected 0 to 1`);
}

function headersOf(text: string): Readonly<Record<string, string>> {
  const pairs = text.split(",").filter((pair) => pair.trim() !== "");
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name = "", value = ""] = pair.split(/=(.*)/s).map((part) => part.trim());
      if (/^[\w!#$%&'*+.^`|~-]+$/.test(name))
        return [name.toLowerCase(), decodeURIComponent(value)];
      throw new UsageError("Cannot use OTEL_EXPORTER_OTLP_HEADERS: expected name=value,…");
    }),
  );
}

async function caOf(file: string): Promise<Buffer | undefined> {
  if (file === "") return undefined;
  try {
    return await readFile(file);
  } catch (cause) {
    throw new UsageError(`Cannot read OTEL_EXPORTER_OTLP_CERTIFICATE ${file}`, { cause });
  }
}
