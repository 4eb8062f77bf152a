import type { OutgoingPacket } from "./packet.ts";
import { texts } from "./texts.ts";

/** The agent's side of one tunnelled connection, without sockets and without timers. */
export type TargetState =
  | { readonly kind: "dialling"; readonly dialId: bigint; readonly connectionId: bigint }
  | { readonly kind: "open"; readonly connectionId: bigint }
  /** The frontend closed: what it sent is being written out, then the server is told. */
  | { readonly kind: "flushing"; readonly connectionId: bigint }
  | { readonly kind: "closed" };

export type TargetEvent =
  | { readonly kind: "connected" }
  | { readonly kind: "refused"; readonly error: string }
  /** Nobody waits for the dial any more. */
  | { readonly kind: "dialCancelled" }
  | { readonly kind: "dataFromServer"; readonly bytes: Buffer }
  | { readonly kind: "closeRequested" }
  | { readonly kind: "dataFromTarget"; readonly bytes: Buffer }
  /** All that was written has left for the target, or never will. */
  | { readonly kind: "flushed" }
  /** The target closed its side, or the connection broke. */
  | { readonly kind: "targetEnded" }
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
    return [{ kind: "open", connectionId }, [{ kind: "send", packet }]];
  }
  if (event.kind === "refused") {
    const { error } = event;
    const packet = { type: "dialResponse", dialId, connectionId: 0n, error } as const;
    return [closed, [{ kind: "send", packet }, released, destroySocket]];
  }
  if (event.kind === "dialCancelled" || event.kind === "serverGone") return abandoned;
  return [state, []];
}

function whileOpen(state: StateOf<"open">, event: TargetEvent): TargetStep {
  const { connectionId } = state;
  if (event.kind === "dataFromServer") {
    const { bytes } = event;
    return bytes.length === 0 ? [state, []] : [state, [{ kind: "write", bytes }]];
  }
  if (event.kind === "closeRequested") return [{ kind: "flushing", connectionId }, [endSocket]];
  // A dial is cancelled only while its answer is awaited: the two have crossed.
  if (event.kind === "dialCancelled") return abandoned;
  return whileConnected(state, event);
}

function whileFlushing(state: StateOf<"flushing">, event: TargetEvent): TargetStep {
  if (event.kind !== "flushed") return whileConnected(state, event);
  return [closed, [confirmClose(state.connectionId), released, endSocket]];
}

/** What a target or the loss of the server does, whether the frontend has closed or not. */
function whileConnected(
  state: StateOf<"open"> | StateOf<"flushing">,
  event: TargetEvent,
): TargetStep {
  const { connectionId } = state;
  if (event.kind === "dataFromTarget") {
    const packet = { type: "data", connectionId, bytes: event.bytes } as const;
    return [state, [{ kind: "send", packet }]];
  }
  if (event.kind === "targetEnded") {
    return [closed, [confirmClose(connectionId), released, endSocket]];
  }
  if (event.kind === "readerStalled") {
    return [closed, [confirmClose(connectionId, texts.readerStalled), released, destroySocket]];
  }
  return event.kind === "serverGone" ? abandoned : [state, []];
}

function confirmClose(connectionId: bigint, error = ""): TargetEffect {
  return { kind: "send", packet: { type: "closeResponse", connectionId, error } };
}
