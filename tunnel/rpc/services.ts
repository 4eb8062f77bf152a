import type { MethodDefinition } from "@grpc/grpc-js";
import { decodePacket } from "../wire/decode.ts";
import { encodePacket } from "../wire/encode.ts";
import type { OutgoingPacket, Packet } from "../wire/packet.ts";

type PacketMethod = MethodDefinition<Packet, Packet>;

/** A bidirectional stream of packets. A message that is no packet ends the stream with a status. */
function packetMethod(path: string): PacketMethod {
  // Streams are written through PacketStream, which takes no packet of unknown type.
  const serialize = (packet: Packet) => encodePacket(packet as OutgoingPacket);
  return {
    path,
    requestStream: true,
    responseStream: true,
    requestSerialize: serialize,
    requestDeserialize: decodePacket,
    responseSerialize: serialize,
    responseDeserialize: decodePacket,
  };
}

/** For frontends: a stream for each connection. */
export const proxyService = { Proxy: packetMethod("/ProxyService/Proxy") } as const;

/**
 * For agents: Connect is a stream for all connections. Carry is ours alone, a stream for one
 * connection; only peers that have announced it in the handshake use it.
 */
export const agentService = {
  Connect: packetMethod("/AgentService/Connect"),
  Carry: packetMethod("/spokeway.AgentService/Carry"),
} as const;

/** Names of the handshake's headers. HTTP/2 lower-cases them. */
export const headers = {
  agentId: "agentID",
  agentIdentifiers: "agentIdentifiers",
  authorization: "authorization",
  serverId: "serverID",
  serverCount: "serverCount",
  /** Agent: it can give connections streams of their own. Server: so can I, with this session. */
  session: "spokeway-session",
} as const;
