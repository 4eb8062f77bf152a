import { TunnelError } from "../tunnel-error.ts";
import type { DialResponse, OutgoingPacket, Packet } from "./packet.ts";
import { dialErrorCode } from "./texts.ts";

/** The frontend's side of one tunnelled connection, without sockets and without timers. */
export type ConnectionState =
  | { readonly kind: "dialling"; readonly dialId: bigint }
  | Open
  /** We asked to close; what the target still sends is delivered until the agent confirms. */
  | { readonly kind: "closing" }
  | { readonly kind: "closed" };

interface Open {
  readonly kind: "open";
  readonly connectionId: bigint;
  /** Each direction can end alone. */
  readonly canHalfClose?: boolean;
  /** Who has ended its direction. */
  readonly ended?: "us" | "target";
}

export type ConnectionEvent =
  | { readonly kind: "received"; readonly packet: Packet }
  | { readonly kind: "written"; readonly bytes: Buffer }
  /** The caller has written all it wanted to. */
  | { readonly kind: "ended" }
  /** The caller, or a timer of the caller, wants nothing more to do with it. */
  | { readonly kind: "abandoned" }
  /** The stream to the server is over, with the error that ended it. */
  | { readonly kind: "streamEnded"; readonly error?: TunnelError };

export type ConnectionEffect =
  | { readonly kind: "opened" }
  | { readonly kind: "send"; readonly packet: OutgoingPacket }
  | { readonly kind: "deliver"; readonly bytes: Buffer }
  /** Nothing more comes; without an error the target has ended as it should. */
  | { readonly kind: "finish"; readonly error?: TunnelError }
  /** End the stream to the server: properly, or at once. The server tells the agent. */
  | { readonly kind: "endStream" }
  | { readonly kind: "cancelStream" };

export type ConnectionStep = readonly [next: ConnectionState, effects: readonly ConnectionEffect[]];

const closed: ConnectionState = { kind: "closed" };
const endStream: ConnectionEffect = { kind: "endStream" };

/** What comes next, and what to do about it. An event that comes too late changes nothing. */
export function stepConnection(state: ConnectionState, event: ConnectionEvent): ConnectionStep {
  if (state.kind === "closed") return [state, []];
  if (event.kind === "abandoned") return [closed, [{ kind: "cancelStream" }]];
  switch (state.kind) {
    case "dialling":
      return whileDialling(state, event);
    case "open":
      return whileOpen(state, event);
    case "closing":
      return whileClosing(state, event);
  }
}

type StateOf<Kind extends ConnectionState["kind"]> = Extract<ConnectionState, { kind: Kind }>;
type LiveEvent = Exclude<ConnectionEvent, { kind: "abandoned" }>;

function whileDialling(state: StateOf<"dialling">, event: LiveEvent): ConnectionStep {
  if (event.kind === "streamEnded") {
    const error = event.error ?? new TunnelError("unreachable", "Tunnel server ended the dial");
    return dialFailed(error);
  }
  if (event.kind === "received") return dialAnswered(state, event.packet);
  // Whoever holds the connection waits with the end until it is open.
  if (event.kind === "ended") return [state, []];
  const packet = { type: "earlyData", dialId: state.dialId, bytes: event.bytes } as const;
  return [state, [{ kind: "send", packet }]];
}

function dialAnswered(state: StateOf<"dialling">, packet: Packet): ConnectionStep {
  if (packet.type === "dialResponse") return dialResponded(state, packet);
  if (packet.type === "closeDial") {
    return dialFailed(new TunnelError("dial_failed", "dial closed"));
  }
  if (packet.type === "closeResponse") {
    return dialFailed(new TunnelError("dial_failed", packet.error));
  }
  return packet.type === "data" ? broken("data before the dial's answer") : [state, []];
}

function dialResponded(
  state: StateOf<"dialling">,
  { dialId, connectionId, error, canHalfClose = false }: DialResponse,
): ConnectionStep {
  if (dialId !== state.dialId) return broken("an answer to another dial");
  if (error !== "") return dialFailed(new TunnelError(dialErrorCode(error), error));
  if (connectionId === 0n) return broken("a connection without an id");
  return [
    { kind: "open", connectionId, ...(canHalfClose && { canHalfClose }) },
    [{ kind: "opened" }],
  ];
}

function dialFailed(error: TunnelError): ConnectionStep {
  return [closed, [{ kind: "finish", error }, endStream]];
}

function whileOpen(state: StateOf<"open">, event: LiveEvent): ConnectionStep {
  const { connectionId } = state;
  switch (event.kind) {
    case "received":
      return received(state, event.packet, connectionId);
    case "written":
      return [
        state,
        [{ kind: "send", packet: { type: "data", connectionId, bytes: event.bytes } }],
      ];
    case "ended":
      return weEnded(state);
    case "streamEnded":
      return [closed, [{ kind: "finish", error: event.error ?? lost() }, endStream]];
  }
}

function weEnded(state: Open): ConnectionStep {
  const { connectionId, canHalfClose = false, ended } = state;
  if (!canHalfClose) {
    const packet = { type: "closeRequest", connectionId } as const;
    return [{ kind: "closing" }, [{ kind: "send", packet }]];
  }
  const effects: ConnectionEffect[] = [
    { kind: "send", packet: { type: "halfClose", connectionId } },
  ];
  if (ended === "target") return [closed, [...effects, endStream]];
  return [{ ...state, ended: "us" }, effects];
}

function targetEnded(state: ConnectionState): ConnectionStep {
  const isHalf = state.kind === "open" && state.canHalfClose === true && state.ended !== "us";
  if (!isHalf) return [closed, [{ kind: "finish" }, endStream]];
  return [{ ...state, ended: "target" }, [{ kind: "finish" }]];
}

function whileClosing(state: StateOf<"closing">, event: LiveEvent): ConnectionStep {
  if (event.kind === "received") return received(state, event.packet, undefined);
  if (event.kind !== "streamEnded") return [state, []];
  // Servers may end the stream instead of passing the confirmation on.
  const isFine = event.error === undefined;
  return [
    closed,
    [isFine ? { kind: "finish" } : { kind: "finish", error: event.error }, endStream],
  ];
}

/** A stream carries one connection, so an id that is not ours means a broken peer. */
function received(
  state: ConnectionState,
  packet: Packet,
  connectionId: bigint | undefined,
): ConnectionStep {
  if (packet.type === "data") {
    if (connectionId !== undefined && packet.connectionId !== connectionId) {
      return broken("data of another connection");
    }
    // Some peers read an empty one as the end; it means nothing.
    return packet.bytes.length === 0
      ? [state, []]
      : [state, [{ kind: "deliver", bytes: packet.bytes }]];
  }
  if (packet.type === "halfClose") return targetEnded(state);
  if (packet.type !== "closeResponse") return [state, []];
  if (packet.error === "") return [closed, [{ kind: "finish" }, endStream]];
  const error = new TunnelError("closed", `Connection was closed: ${packet.error}`);
  return [closed, [{ kind: "finish", error }, endStream]];
}

function broken(what: string): ConnectionStep {
  const error = new TunnelError("protocol", `Cannot go on: the tunnel server sent ${what}`);
  return [closed, [{ kind: "finish", error }, { kind: "cancelStream" }]];
}

function lost(): TunnelError {
  return new TunnelError("closed", "Connection was lost: the tunnel server ended it");
}
