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

/**
 * For frontends: Proxy is a stream for each connection. Greet is ours alone: a server that knows it
 * takes raw streams, on the same HTTP/2 session, for as long as the greeting lasts.
 */
export const proxyService = {
  Proxy: packetMethod("/ProxyService/Proxy"),
  Greet: packetMethod("/spokeway.TunnelService/Greet"),
} as const;

/** For agents: a stream for all connections. */
export const agentService = { Connect: packetMethod("/AgentService/Connect") } as const;

/** Names of the handshake's headers. HTTP/2 lower-cases them. */
export const headers = {
  agentId: "agentID",
  agentIdentifiers: "agentIdentifiers",
  authorization: "authorization",
  serverId: "serverID",
  serverCount: "serverCount",
  /**
   * Of Connect and Greet. Client: it can give connections raw streams of their own. Server: so can
   * I, with this session.
   */
  session: "spokeway-session",
} as const;

/** The session that a server answers Greet with when it also reports what its backends reach. */
export const reportingSession = "reporting";
