import type { OutgoingPacket, Packet } from "../wire/packet.ts";

/**
 * Either end of a stream of packets: as much of grpc-js's calls, and of the pairs that tests use,
 * as we need.
 */
export interface PacketStream {
  /**
   * Sends a packet. False once the peer takes no more for now; `drain` follows. `done` is called
   * when the packet has left for the network, never when the stream breaks first.
   */
  write(packet: OutgoingPacket, done?: (error?: Error | null) => void): boolean;
  end(): unknown;
  pause(): unknown;
  resume(): unknown;
  on(event: "data", listener: (packet: Packet) => void): unknown;
  /** `pause` and `resume` follow the calls of the same name, where they change something. */
  on(event: "end" | "close" | "drain" | "pause" | "resume", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
}
