import type { OutgoingPacket } from "./packet.ts";
import { texts } from "./texts.ts";

/** The agent's side of one tunnelled connection, without sockets and without timers. */
export type TargetState =
  | { readonly kind: "dialling"; readonly dialId: bigint; readonly connectionId: bigint }
  | Open
  /** The frontend closed: what it sent is being written out, then the server is told. */
  | { readonly kind: "flushing"; readonly connectionId: bigint }
  | { readonly kind: "closed" };

interface Open {
  readonly kind: "open";
  readonly connectionId: bigint;
  /** The connection has a stream of its own, each direction of which can end alone. */
  readonly canHalfClose?: boolean;
  /** Who has ended its direction. */
  readonly ended?: "frontend" | "target";
  /** The frontend wants to close; its last data is still on the way. */
  readonly isCloseAsked?: boolean;
}

export type TargetEvent =
  | { readonly kind: "connected"; readonly canHalfClose?: boolean }
  | { readonly kind: "refused"; readonly error: string }
  /** Nobody waits for the dial any more. */
  | { readonly kind: "dialCancelled" }
  | { readonly kind: "dataFromServer"; readonly bytes: Buffer }
  /** The frontend has written all it wanted to, and may go on reading. */
  | { readonly kind: "frontendEnded" }
  | { readonly kind: "closeRequested" }
  | { readonly kind: "dataFromTarget"; readonly bytes: Buffer }
  /** All that was written has left for the target, or never will. */
  | { readonly kind: "flushed" }
  /** The target has written all it wanted to, and may go on reading. */
  | { readonly kind: "targetEnded" }
  /** The connection to the target is over, and not because both sides had ended it. */
  | { readonly kind: "targetGone" }
  | { readonly kind: "readerStalled" }
  | { readonly kind: "serverGone" };

export type TargetEffect =
  | { readonly kind: "send"; readonly packet: OutgoingPacket }
  | { readonly kind: "write"; readonly bytes: Buffer }
  /** Write out what is queued, then close the socket. */
  | { readonly kind: "endSocket" }
  | { readonly kind: "destroySocket" }
  /** The server's packets with this id are no longer ours. */
  | { readonly kind: "released" };

export type TargetStep = readonly [next: TargetState, effects: readonly TargetEffect[]];

const closed: TargetState = { kind: "closed" };
const released: TargetEffect = { kind: "released" };
const endSocket: TargetEffect = { kind: "endSocket" };
const destroySocket: TargetEffect = { kind: "destroySocket" };
const abandoned: TargetStep = [closed, [released, destroySocket]];

/** What comes next, and what to do about it. An event that comes too late changes nothing. */
export function stepTarget(state: TargetState, event: TargetEvent): TargetStep {
  switch (state.kind) {
    case "dialling":
      return whileDialling(state, event);
    case "open":
      return whileOpen(state, event);
    case "flushing":
      return whileFlushing(state, event);
    case "closed":
      return [state, []];
  }
}

type StateOf<Kind extends TargetState["kind"]> = Extract<TargetState, { kind: Kind }>;

function whileDialling(state: StateOf<"dialling">, event: TargetEvent): TargetStep {
  const { dialId, connectionId } = state;
  if (event.kind === "connected") {
    const packet = { type: "dialResponse", dialId, connectionId, error: "" } as const;
    const canHalfClose = event.canHalfClose === true;
    const open: Open = { kind: "open", connectionId, ...(canHalfClose && { canHalfClose }) };
    return [open, [{ kind: "send", packet }]];
  }
  if (event.kind === "refused") {
    const { error } = event;
    const packet = { type: "dialResponse", dialId, connectionId: 0n, error } as const;
    return [closed, [{ kind: "send", packet }, released, destroySocket]];
  }
  if (event.kind === "dialCancelled" || event.kind === "serverGone") return abandoned;
  if (event.kind === "dataFromServer") return [state, writeOut(event.bytes)];
  return [state, []];
}

function whileOpen(state: StateOf<"open">, event: TargetEvent): TargetStep {
  if (event.kind === "dataFromServer") return [state, writeOut(event.bytes)];
  if (event.kind === "closeRequested") return closeAsked(state);
  if (event.kind === "frontendEnded") return frontendEnded(state);
  if (event.kind === "targetEnded") return targetEnded(state);
  // A dial is cancelled only while its answer is awaited: the two have crossed.
  if (event.kind === "dialCancelled") return abandoned;
  return whileConnected(state, event);
}

/** On a stream of its own the last data may come after the request, which is not on that stream. */
function closeAsked(state: Open): TargetStep {
  const mustWait = state.canHalfClose === true && state.ended !== "frontend";
  if (mustWait) return [{ ...state, isCloseAsked: true }, []];
  return [{ kind: "flushing", connectionId: state.connectionId }, [endSocket]];
}

function frontendEnded(state: Open): TargetStep {
  const { connectionId, ended, isCloseAsked = false } = state;
  const isOver = ended === "target" || isCloseAsked;
  if (isOver) return [{ kind: "flushing", connectionId }, [endSocket]];
  return [{ ...state, ended: "frontend" }, [endSocket]];
}

function targetEnded(state: Open): TargetStep {
  const { connectionId, canHalfClose = false, ended } = state;
  if (!canHalfClose || ended === "frontend") return over(connectionId);
  const packet = { type: "halfClose", connectionId } as const;
  return [{ ...state, ended: "target" }, [{ kind: "send", packet }]];
}

function whileFlushing(state: StateOf<"flushing">, event: TargetEvent): TargetStep {
  if (event.kind === "flushed" || event.kind === "targetEnded") return over(state.connectionId);
  return whileConnected(state, event);
}

/** What a target or the loss of the server does, whether the frontend has closed or not. */
function whileConnected(
  state: StateOf<"open"> | StateOf<"flushing">,
  event: TargetEvent,
): TargetStep {
  const { connectionId } = state;
  if (event.kind === "dataFromTarget") {
    // To Go's client an empty packet is the end.
    if (event.bytes.length === 0) return [state, []];
    const packet = { type: "data", connectionId, bytes: event.bytes } as const;
    return [state, [{ kind: "send", packet }]];
  }
  if (event.kind === "targetGone") {
    // What was cut short must not look like what has ended.
    return [closed, [confirmClose(connectionId, texts.targetReset), released, destroySocket]];
  }
  if (event.kind === "readerStalled") {
    return [closed, [confirmClose(connectionId, texts.readerStalled), released, destroySocket]];
  }
  return event.kind === "serverGone" ? abandoned : [state, []];
}

function writeOut(bytes: Buffer): readonly TargetEffect[] {
  return bytes.length === 0 ? [] : [{ kind: "write", bytes }];
}

function over(connectionId: bigint): TargetStep {
  return [closed, [confirmClose(connectionId), released, endSocket]];
}

function confirmClose(connectionId: bigint, error = ""): TargetEffect {
  return { kind: "send", packet: { type: "closeResponse", connectionId, error } };
}
