import type { ServerDuplexStream } from "@grpc/grpc-js";
import { resetCall } from "../rpc/internals.ts";
import type { Packet } from "../wire/packet.ts";
import { Frontend, type FrontendOptions } from "./frontend.ts";

export type ProxyOptions = Omit<FrontendOptions, "stream" | "reset">;

/** Serves ProxyService.Proxy: one call is one frontend with one connection. */
export function createProxyHandler(
  options: ProxyOptions,
): (call: ServerDuplexStream<Packet, Packet>) => void {
  const { metrics } = options;
  return (call) => {
    const frontend = new Frontend({ ...options, stream: call, reset: () => resetCall(call) });
    metrics.streams("Proxy", 1);
    let isOver = false;
    const end = () => {
      if (isOver) return;
      isOver = true;
      metrics.streams("Proxy", -1);
      frontend.gone();
      call.end();
    };
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
