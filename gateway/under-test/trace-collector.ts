import { once } from "node:events";
import { createServer as createHttp } from "node:http";
import {
  createServer as createHttp2,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo, Server } from "node:net";
import { buffer, json } from "node:stream/consumers";

/** A span as OTLP writes it in JSON, as far as tests look. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly name: string;
  readonly attributes: readonly { readonly key: string; readonly value: object }[];
}

interface Export {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly { readonly spans: readonly CollectedSpan[] }[];
  }[];
}

/** For tests: takes what the gateway exports in JSON, and what API servers export by gRPC. */
export class TraceCollector implements AsyncDisposable {
  readonly spans: CollectedSpan[] = [];
  /** What API servers sent, not decoded: ids stand in it as they are. */
  bytes: Buffer = Buffer.alloc(0);
  readonly #http = createHttp((request, response) => {
    void json(request).then((body) => {
      const { resourceSpans } = body as Export;
      this.spans.push(
        ...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans).flatMap(({ spans }) => spans),
      );
      response.setHeader("content-type", "application/json");
      response.end("{}");
    });
  });
  readonly #grpc = createHttp2();
  readonly #sessions = new Set<ServerHttp2Session>();

  static async start(): Promise<TraceCollector> {
    const collector = new TraceCollector();
    await collector.#listen();
    return collector;
  }

  /** Base URL of the one that takes JSON. */
  get url(): string {
    return `http://127.0.0.1:${portOf(this.#http)}`;
  }

  /** `host:port` of the one that speaks gRPC. */
  get grpcAddress(): string {
    return `127.0.0.1:${portOf(this.#grpc)}`;
  }

  /** True once an API server told of a span, or of a link to one. */
  hasHeardOf({ traceId, spanId }: Pick<CollectedSpan, "traceId" | "spanId">): boolean {
    return [traceId, spanId].every((id) => this.bytes.includes(Buffer.from(id, "hex")));
  }

  async #listen(): Promise<void> {
    this.#grpc.on("session", (session) => this.#sessions.add(session));
    this.#grpc.on("stream", (stream: ServerHttp2Stream) => {
      stream.once("error", () => undefined);
      void buffer(stream).then((read) => {
        this.bytes = Buffer.concat([this.bytes, read]);
        stream.respond(
          { ":status": 200, "content-type": "application/grpc" },
          { waitForTrailers: true },
        );
        stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
        // One empty message, without compression.
        stream.end(Buffer.alloc(5));
      });
    });
    for (const server of [this.#http, this.#grpc]) {
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    this.#http.closeAllConnections();
    for (const server of [this.#http, this.#grpc]) {
      server.close();
      await once(server, "close");
    }
  }
}

function portOf(server: Pick<Server, "address">): number {
  return (server.address() as AddressInfo).port;
}
