import { Metadata, type ServerDuplexStream } from "@grpc/grpc-js";
import { type RawHandler, resetCall, sessionOf } from "../rpc/internals.ts";
import type { PacketStream } from "../rpc/packet-stream.ts";
import { acceptRawProxy } from "../rpc/raw-openings.ts";
import { headers, reportingSession } from "../rpc/services.ts";
import { watchSession } from "../rpc/session-watch.ts";
import type { Packet } from "../wire/packet.ts";
import { Frontend, type FrontendOptions } from "./frontend.ts";
import type { Reports } from "./reports.ts";

export type ProxyOptions = Omit<FrontendOptions, "stream" | "reset">;

type ProxyCall = ServerDuplexStream<Packet, Packet>;

/** Serves ProxyService.Proxy: one call is one frontend with one connection. */
export function createProxyHandler(options: ProxyOptions): (call: ProxyCall) => void {
  const { metrics } = options;
  return (call) => {
    const frontend = new Frontend({ ...options, stream: call, reset: () => resetCall(call) });
    const end = endingOnce(options, call, () => {
      frontend.gone();
      call.end();
    });
    call.on("data", (packet: Packet) => frontend.handle(packet));
    call.on("end", end);
    call.on("cancelled", end);
    call.on("close", end);
    call.on("error", () => {
      metrics.streamError("from_client", "Unknown");
      end();
    });
  };
}

/** Serves the same to frontends of ours, without gRPC. */
export function createRawProxyHandler(options: ProxyOptions): RawHandler {
  return (stream, sent) => {
    const { raw, request } = acceptRawProxy(stream, sent);
    const frontend = new Frontend({ ...options, stream: raw, reset: () => raw.reset() });
    raw.on("data", (packet: Packet) => frontend.handle(packet));
    raw.on(
      "end",
      endingOnce(options, raw, () => frontend.gone()),
    );
    frontend.handle(request);
  };
}

/**
 * Answers frontends of ours that ask whether this is a server of ours, and reports to each until it
 * ends. Such a call stays as long as its session is in use, and as long the session is watched.
 */
export function createGreeter(
  reports: Reports,
  options: { readonly keepaliveTimeMs: number },
): (call: ProxyCall) => void {
  return (call) => {
    const answer = new Metadata();
    answer.set(headers.session, reportingSession);
    call.sendMetadata(answer);
    const stopReports = reports.follow(call);
    const stopWatch = watchSession(sessionOf(call), options);
    const stop = () => {
      stopReports();
      stopWatch();
    };
    const end = () => {
      stop();
      call.end();
    };
    call.on("data", () => undefined);
    call.on("end", end);
    call.on("cancelled", end);
    call.on("close", stop);
    call.on("error", end);
  };
}

function endingOnce(
  { metrics }: ProxyOptions,
  stream: Pick<PacketStream, "on">,
  end: () => void,
): () => void {
  metrics.streams("Proxy", 1);
  const release = metrics.holds.Proxy.follow(stream);
  let isOver = false;
  return () => {
    if (isOver) return;
    isOver = true;
    metrics.streams("Proxy", -1);
    release();
    end();
  };
}
