import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Metrics } from "./metrics.ts";
import type { Runnable } from "./runnable.ts";

/** Why a process is not well, or `undefined` while it is. */
export type Check = () => string | undefined;

export interface HealthServerOptions {
  /** Address to listen on. Defaults to all. */
  readonly host?: string;
  /** 0 for any. */
  readonly port: number;
  /** Told the port, once it listens. */
  readonly onListening?: (port: number) => void;
  /** `/healthz` and `/livez`: a failing check asks for a restart. */
  readonly live?: Readonly<Record<string, Check>>;
  /** `/readyz` and `/ready`: a failing check takes the process out of service. */
  readonly ready?: Readonly<Record<string, Check>>;
  /** How a process that is not ready says so. Defaults to `named`. */
  readonly style?: ReportStyle;
  /** Served on `/metrics`: the metrics, or the port of this machine's that has them. */
  readonly metrics?: Metrics | { readonly redirectToPort: number };
  /** Further paths, e.g. `/debug/pprof/`, for those who may reach this port. */
  readonly routes?: Readonly<Record<string, Route>>;
}

/** Answers one path. */
export type Route = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

/**
 * - `named`: 500, and a line `check: reason` for each failure.
 * - `reasons`: 500, and the reasons alone.
 * - `checks`: 503, and a line for each check, `[+]name ok` or `[-]name failed: reason`.
 *
 * `?verbose` asks for the lines of `checks` in all of them.
 */
export type ReportStyle = "named" | "reasons" | "checks";

/** Plain HTTP endpoints for the kubelet and for Prometheus. Holds no secret and takes no input. */
export function createHealthServer(options: HealthServerOptions): Runnable {
  return {
    name: "health-server",
    async run(signal) {
      const server = createServer((request, response) => {
        answer(options, request, response).catch(() => response.destroy());
      });
      server.listen(options.port, options.host);
      await once(server, "listening", { signal });
      options.onListening?.((server.address() as AddressInfo).port);
      const closed = once(server, "close");
      signal.addEventListener("abort", () => {
        server.close();
        server.closeAllConnections();
      });
      await closed;
    },
  };
}

async function answer(
  options: HealthServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { style = "named", routes = {} } = options;
  const url = new URL(request.url ?? "/", "http://localhost");
  const checks = checksOf(options, url.pathname);
  if (checks !== undefined) {
    return report(response, checks, style, url.searchParams.has("verbose"));
  }
  if (url.pathname === "/metrics") return tell(options, request, response);
  const route = Object.hasOwn(routes, url.pathname) ? routes[url.pathname] : undefined;
  if (route !== undefined) return route(request, response);
  response.writeHead(404).end();
}

function checksOf(
  { live = {}, ready = {} }: HealthServerOptions,
  path: string,
): Readonly<Record<string, Check>> | undefined {
  switch (path) {
    case "/healthz":
    case "/livez":
      return live;
    case "/readyz":
    case "/ready":
      return ready;
    default:
      return undefined;
  }
}

async function tell(
  { metrics }: HealthServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (metrics === undefined) {
    response.writeHead(404).end();
  } else if ("redirectToPort" in metrics) {
    const { hostname } = new URL(`http://${request.headers.host ?? "localhost"}`);
    const location = `http://${hostname}:${metrics.redirectToPort}${request.url ?? ""}`;
    response.writeHead(301, { Location: location }).end();
  } else {
    const text = await metrics.text();
    response.setHeader("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    response.end(text);
  }
}

function report(
  response: ServerResponse,
  checks: Readonly<Record<string, Check>>,
  style: ReportStyle,
  isVerbose: boolean,
): void {
  const results = Object.entries(checks).map(([name, check]) => [name, check()] as const);
  const failed = results.filter(([, reason]) => reason !== undefined);
  const status = failed.length === 0 ? 200 : failureStatus(style);
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" });
  if (isVerbose || (style === "checks" && failed.length > 0)) {
    return void response.end(checkLines(results, failed.length === 0));
  }
  if (failed.length === 0) return void response.end("ok");
  const lines = failed.map(([name, reason]) => (style === "named" ? `${name}: ${reason}` : reason));
  response.end(`${lines.join("\n")}\n`);
}

function failureStatus(style: ReportStyle): 500 | 503 {
  return style === "checks" ? 503 : 500;
}

/** As Kubernetes' own programs list their checks. */
function checkLines(
  results: readonly (readonly [name: string, reason: string | undefined])[],
  isWell: boolean,
): string {
  const lines = results.map(([name, reason]) =>
    reason === undefined ? `[+]${name} ok` : `[-]${name} failed: ${reason}`,
  );
  return `${["[+]ping ok", ...lines, isWell ? "check passed" : "check failed"].join("\n")}\n`;
}
