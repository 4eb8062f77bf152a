import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Metrics } from "./metrics.ts";
import type { Runnable } from "./runnable.ts";

/** Why a process is not well, or `undefined` while it is. */
export type Check = () => string | undefined;

export interface HealthServerOptions {
  /** Address to listen on. Defaults to all. */
  readonly host?: string;
  readonly port: number;
  /** `/healthz` and `/livez`: a failing check asks for a restart. */
  readonly live?: Readonly<Record<string, Check>>;
  /** `/readyz` and `/ready`: a failing check takes the process out of service. */
  readonly ready?: Readonly<Record<string, Check>>;
  /** Served on `/metrics`. */
  readonly metrics?: Metrics;
}

/** Plain HTTP endpoints for the kubelet and for Prometheus. Holds no secret and takes no input. */
export function createHealthServer(options: HealthServerOptions): Runnable {
  return {
    name: "health-server",
    async run(signal) {
      const server = createServer((request, response) => {
        void answer(options, request, response);
      });
      server.listen(options.port, options.host);
      await once(server, "listening", { signal });
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
  { live = {}, ready = {}, metrics }: HealthServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = new URL(request.url ?? "/", "http://localhost").pathname;
  if (path === "/healthz" || path === "/livez") return report(response, live);
  if (path === "/readyz" || path === "/ready") return report(response, ready);
  if (path === "/metrics" && metrics !== undefined) {
    const text = await metrics.text();
    response.setHeader("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    response.end(text);
    return;
  }
  response.writeHead(404).end();
}

function report(response: ServerResponse, checks: Readonly<Record<string, Check>>): void {
  const failures = Object.entries(checks).flatMap(([name, check]) => {
    const reason = check();
    return reason === undefined ? [] : [`${name}: ${reason}`];
  });
  response.writeHead(failures.length === 0 ? 200 : 500, { "Content-Type": "text/plain" });
  response.end(failures.length === 0 ? "ok" : `${failures.join("\n")}\n`);
}
