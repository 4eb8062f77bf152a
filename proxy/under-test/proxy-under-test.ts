import { once } from "node:events";
import { type ClientHttp2Session, connect as connectH2 } from "node:http2";
import { Agent, type RequestOptions } from "node:https";
import { buffer } from "node:stream/consumers";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { silentLogger } from "#runtime";
import { type ForwardOutcome, type ForwardPlan, forward } from "../forward.ts";
import type { Exchange } from "../front/exchange.ts";
import { createFront } from "../front/front.ts";
import { ProxyError } from "../proxy-error.ts";
import type { Transport } from "../transport/transport.ts";
import { treatmentOf } from "../treatment.ts";

const name = "front.test";

/** What `#testing` makes, as much of it as this file needs. */
interface Authority {
  readonly caPem: string;
  server(name: string): Promise<{ readonly cert: string; readonly key: string }>;
}

/** A front with the pipeline behind it, and clients for it. */
export interface ProxyUnderTest extends AsyncDisposable {
  readonly outcomes: ForwardOutcome[];
  readonly failures: ProxyError[];
  readonly h2: ClientHttp2Session;
  /** Options of `node:https` for a request to the front. */
  h1(options?: RequestOptions): RequestOptions;
  raw(): Promise<TLSSocket>;
  /** GET with HTTP/2; the whole answer. */
  get(path: string): Promise<{ readonly status: number; readonly body: string }>;
}

/** Starts a front that forwards all by one plan and answers failures with their code. */
export async function startProxy(
  authority: Authority,
  planFor: (exchange: Exchange) => ForwardPlan,
): Promise<ProxyUnderTest> {
  const outcomes: ForwardOutcome[] = [];
  const failures: ProxyError[] = [];
  const front = createFront({
    host: "127.0.0.1",
    port: 0,
    tls: await authority.server(name),
    handle: (exchange) => {
      void answer(exchange, planFor, outcomes, failures);
    },
    log: silentLogger,
    drainMs: 100,
  });
  const stop = new AbortController();
  const running = front.run(stop.signal);
  const port = await front.port;
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const tls = { host: "127.0.0.1", port, ca: authority.caPem, servername: name };
  const h2 = connectH2(`https://${name}`, {
    createConnection: () => connectTls({ ...tls, ALPNProtocols: ["h2"] }),
  });
  h2.on("error", () => undefined);
  return {
    outcomes,
    failures,
    h2,
    h1: (options = {}) => ({ ...tls, agent, ...options }),
    async raw() {
      const socket = connectTls({ ...tls, ALPNProtocols: ["http/1.1"] });
      await once(socket, "secureConnect");
      return socket;
    },
    async get(path) {
      const stream = h2.request({ ":path": path });
      const [headers] = (await once(stream, "response")) as [{ ":status": number }];
      return { status: headers[":status"], body: (await buffer(stream)).toString() };
    },
    async [Symbol.asyncDispose]() {
      h2.destroy();
      agent.destroy();
      stop.abort();
      await running;
    },
  };
}

/** A plan for everything: the same path, a managed identity. */
export function toEverything(
  transport: Transport,
  responseTimeoutMs?: number,
): (exchange: Exchange) => ForwardPlan {
  return (exchange) => ({
    transport: () => transport,
    path: exchange.target,
    requestHeaders: { set: ["authorization", "Bearer managed"] },
    ...(responseTimeoutMs === undefined ? {} : { responseTimeoutMs }),
  });
}

async function answer(
  exchange: Exchange,
  planFor: (exchange: Exchange) => ForwardPlan,
  outcomes: ForwardOutcome[],
  failures: ProxyError[],
): Promise<void> {
  try {
    outcomes.push(await forward(exchange, planFor(exchange)));
  } catch (reason) {
    const error = ProxyError.from(reason, "bad_response", "Test failed");
    failures.push(error);
    const headers = ["x-error", error.code, "x-message", error.message];
    exchange.answer({ status: treatmentOf(error).httpStatus, headers });
  }
}
