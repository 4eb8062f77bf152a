/** A frontend asks for a connection. `dialId` is echoed by the answer. */
export interface DialRequest {
  readonly type: "dialRequest";
  readonly protocol: string;
  /** `host:port` as the agent sees it. */
  readonly address: string;
  readonly dialId: bigint;
}

/** The result of a dial: a connection id, or an error and the id 0. */
export interface DialResponse {
  readonly type: "dialResponse";
  readonly dialId: bigint;
  readonly connectionId: bigint;
  readonly error: string;
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

/** Nobody waits for this dial any more. */
export interface CloseDial {
  readonly type: "closeDial";
  readonly dialId: bigint;
}

/** The agent asks for no new dials. */
export interface Drain {
  readonly type: "drain";
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
  | CloseDial
  | Drain;

/** One message of either stream, as received. */
export type Packet = OutgoingPacket | UnknownPacket;

/** Largest payload of a data packet that we make: small enough to take turns, large enough to pay. */
export const maxDataBytes = 64 * 1024;

/** The names of the packet types on the wire and in metrics. */
export const wireNames = {
  dialRequest: "DIAL_REQ",
  dialResponse: "DIAL_RSP",
  closeRequest: "CLOSE_REQ",
  closeResponse: "CLOSE_RSP",
  data: "DATA",
  closeDial: "DIAL_CLS",
  drain: "DRAIN",
  unknown: "Unknown",
} as const satisfies Record<Packet["type"], string>;
