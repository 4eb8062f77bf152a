import type {
  CloseDial,
  CloseRequest,
  CloseResponse,
  Data,
  DialRequest,
  DialResponse,
  EarlyData,
  HalfClose,
  OutgoingPacket,
  Packet,
} from "./packet.ts";

/** The tunnel server's side of one Proxy stream, without sockets and without timers. */
export type RelayState =
  /** Nothing was asked for yet. */
  | { readonly kind: "idle" }
  /** A backend has the dial. Each side knows it by its own id. */
  | DiallingRelay
  | OpenRelay
  /** The frontend asked to close; data still comes until the agent confirms. */
  | { readonly kind: "closing"; readonly connectionId: bigint }
  /** Over. What still comes from the frontend is discarded. */
  | { readonly kind: "closed" };

export interface DiallingRelay {
  readonly kind: "dialling";
  readonly frontendDialId: bigint;
  readonly dialId: bigint;
  /** The frontend's stream can carry the end of one direction alone. */
  readonly canHalfClose?: boolean;
  /** The frontend has written all it wanted to. */
  readonly hasEnded?: boolean;
}

export interface OpenRelay {
  readonly kind: "open";
  readonly connectionId: bigint;
  /** Both ends' streams can carry the end of one direction alone. */
  readonly canHalfClose?: boolean;
  /** Who has ended its direction. */
  readonly ended?: "frontend" | "agent";
}

/** What a frontend may send once it has dialled. */
export type FrontendPacket = Data | EarlyData | HalfClose | CloseRequest | CloseDial;
/** What an agent may send for one frontend. */
export type AgentPacket = DialResponse | Data | HalfClose | CloseResponse | CloseDial;

export type RelayEvent =
  /** The frontend dialled and a backend was found. */
  | { readonly kind: "dialled"; readonly request: DialRequest; readonly dialId: bigint }
  /** The frontend dialled and nobody can take it. */
  | { readonly kind: "undialable"; readonly request: DialRequest; readonly error: string }
  | { readonly kind: "fromFrontend"; readonly packet: FrontendPacket }
  | { readonly kind: "fromAgent"; readonly packet: AgentPacket }
  | { readonly kind: "dialTimedOut" }
  | { readonly kind: "readerStalled" }
  | { readonly kind: "frontendGone" }
  | { readonly kind: "agentGone" };

/** Why a dial came to nothing, as metrics name it. */
export type DialFailure =
  | "no_agent"
  | "error_response"
  | "backend_close"
  | "backend_dial_timeout"
  | "frontend_close";

export type RelayEffect =
  | { readonly kind: "toAgent"; readonly packet: OutgoingPacket }
  | { readonly kind: "toFrontend"; readonly packet: OutgoingPacket }
  /** Packets of the agent with this connection id belong to this stream from now on. */
  | { readonly kind: "established"; readonly connectionId: bigint }
  | { readonly kind: "dialFailed"; readonly reason: DialFailure }
  /** End the frontend's stream now, without waiting for what it has not taken. */
  | { readonly kind: "cut"; readonly reason: string }
  /** The backend is done with this stream: nothing more goes to it or comes from it. */
  | { readonly kind: "released" };

export type RelayStep = readonly [next: RelayState, effects: readonly RelayEffect[]];

export const idleRelay: RelayState = { kind: "idle" };

const frontendTypes: ReadonlySet<Packet["type"]> = new Set<FrontendPacket["type"]>([
  "data",
  "earlyData",
  "halfClose",
  "closeRequest",
  "closeDial",
]);

/** Answers travel towards the frontend only. */
export function isFrontendPacket(packet: Packet): packet is FrontendPacket {
  return frontendTypes.has(packet.type);
}
