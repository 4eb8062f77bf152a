/** A frontend asks for a connection. `dialId` is echoed by the answer. */
export interface DialRequest {
  readonly type: "dialRequest";
  readonly protocol: string;
  /** `host:port` as the agent sees it. */
  readonly address: string;
  readonly dialId: bigint;
  /** The asker's stream can carry the end of one direction alone. Not on the wire. */
  readonly canHalfClose?: boolean;
}

/** The result of a dial: a connection id, or an error and the id 0. */
export interface DialResponse {
  readonly type: "dialResponse";
  readonly dialId: bigint;
  readonly connectionId: bigint;
  readonly error: string;
  /** Both ends can carry the end of one direction alone. Not on the wire. */
  readonly canHalfClose?: boolean;
  /** How much early data the agent has taken, where its stream says so. Not on the wire. */
  readonly earlyBytes?: number;
  /** Which backend of the server has the connection, for frontends of ours. Not on the wire. */
  readonly backendId?: bigint;
}

/** Asks the agent to write out what it has and close. */
export interface CloseRequest {
  readonly type: "closeRequest";
  readonly connectionId: bigint;
}

/** The connection is over. Follows its last data. */
export interface CloseResponse {
  readonly type: "closeResponse";
  readonly connectionId: bigint;
  readonly error: string;
}

/** Bytes of one connection, in order. */
export interface Data {
  readonly type: "data";
  readonly connectionId: bigint;
  readonly bytes: Buffer;
  /** The message that this was read from: sent as it is when the packet is passed on. */
  readonly encoded?: Buffer;
}

/**
 * Bytes that were written before the dial is answered. Only our own agents understand it, and it
 * goes to nobody else.
 */
export interface EarlyData {
  readonly type: "earlyData";
  readonly dialId: bigint;
  readonly bytes: Buffer;
}

/**
 * One direction has no more data. It is the end of that direction of a stream that carries one
 * connection, and exists on no other.
 */
export interface HalfClose {
  readonly type: "halfClose";
  readonly connectionId: bigint;
}

/** Nobody waits for this dial any more. */
export interface CloseDial {
  readonly type: "closeDial";
  readonly dialId: bigint;
}

/** Whoever sends it asks for no new dials: an agent, or a server of ours to peers of ours. */
export interface Drain {
  readonly type: "drain";
}

/** The tunnel servers that there are, as one of them knows them. For agents of ours. */
export interface Servers {
  readonly type: "servers";
  readonly ids: readonly string[];
}

/** What a server's backends reach: all of them, or those that have changed. For frontends of ours. */
export interface Report {
  readonly type: "report";
  readonly isWhole: boolean;
  readonly backends: readonly BackendReport[];
}

/** One backend of a server, as dials find it. */
export interface BackendReport {
  /** The server's own, and never used again. */
  readonly id: bigint;
  readonly isGone: boolean;
  readonly isDraining: boolean;
  /** Whether it is asked for hosts that nobody names. */
  readonly servesAny: boolean;
  readonly hosts: readonly string[];
}

/** A type that this version does not know. Receivers ignore it. */
export interface UnknownPacket {
  readonly type: "unknown";
  readonly number: number;
}

/** A packet that we may send. */
export type OutgoingPacket =
  | DialRequest
  | DialResponse
  | CloseRequest
  | CloseResponse
  | Data
  | EarlyData
  | HalfClose
  | CloseDial
  | Drain
  | Servers
  | Report;

/** One message of either stream, as received. */
export type Packet = OutgoingPacket | UnknownPacket;

/** Largest payload of a data packet that we make: small enough to take turns, large enough to pay. */
export const maxDataBytes = 64 * 1024;

/**
 * Packets that only our own ends understand, by their numbers as packet types and as fields: far
 * from those that upstream may give out next.
 */
export const ownNumbers = { earlyData: 1000, servers: 1001, report: 1002 } as const;

/** Most early data of one dial that is sent before its answer. */
export const maxEarlyBytes = 16 * 1024;

/** The names of the packet types in metrics: those of the wire, and for our own what they stand for. */
export const wireNames = {
  dialRequest: "DIAL_REQ",
  dialResponse: "DIAL_RSP",
  closeRequest: "CLOSE_REQ",
  closeResponse: "CLOSE_RSP",
  data: "DATA",
  earlyData: "DATA",
  halfClose: "CLOSE_REQ",
  closeDial: "DIAL_CLS",
  drain: "DRAIN",
  servers: "SERVERS",
  report: "REPORT",
  unknown: "Unknown",
} as const satisfies Record<Packet["type"], string>;
