import type { DialRequest, HalfClose } from "./packet.ts";
import type {
  AgentPacket,
  DialFailure,
  FrontendPacket,
  OpenRelay,
  RelayEffect,
  RelayEvent,
  RelayState,
  RelayStep,
} from "./relay-state.ts";
import { texts } from "./texts.ts";

const closed: RelayState = { kind: "closed" };
const released: RelayEffect = { kind: "released" };
const cutStalled: RelayEffect = { kind: "cut", reason: texts.readerStalled };

/** What comes next, and what to do about it. An event that comes too late changes nothing. */
export function stepRelay(state: RelayState, event: RelayEvent): RelayStep {
  switch (state.kind) {
    case "idle":
      return whileIdle(state, event);
    case "dialling":
      return whileDialling(state, event);
    case "open":
      return whileOpen(state, event);
    case "closing":
      return whileClosing(state, event);
    case "closed":
      return [state, []];
  }
}

type StateOf<Kind extends RelayState["kind"]> = Extract<RelayState, { kind: Kind }>;

function whileIdle(state: StateOf<"idle">, event: RelayEvent): RelayStep {
  switch (event.kind) {
    case "dialled":
      return dialled(event.request, event.dialId);
    case "undialable":
      return [
        closed,
        [refuseDial(event.request.dialId, event.error), { kind: "dialFailed", reason: "no_agent" }],
      ];
    case "fromFrontend":
      return beforeDial(state, event.packet);
    case "frontendGone":
      return [closed, []];
    case "fromAgent":
    case "dialTimedOut":
    case "readerStalled":
    case "agentGone":
      return [state, []];
  }
}

function dialled(request: DialRequest, dialId: bigint): RelayStep {
  const { protocol, address, canHalfClose = false } = request;
  return [
    {
      kind: "dialling",
      frontendDialId: request.dialId,
      dialId,
      ...(canHalfClose && { canHalfClose }),
    },
    [{ kind: "toAgent", packet: { type: "dialRequest", protocol, address, dialId } }],
  ];
}

function beforeDial(state: RelayState, packet: FrontendPacket): RelayStep {
  switch (packet.type) {
    case "data":
      return [closed, [closeFrontend(packet.connectionId, texts.dataBeforeDial)]];
    case "closeRequest":
      return [state, [closeFrontend(packet.connectionId, texts.closeBeforeDial)]];
    case "earlyData":
    case "halfClose":
    case "closeDial":
      return [state, []];
  }
}

function whileDialling(state: StateOf<"dialling">, event: RelayEvent): RelayStep {
  switch (event.kind) {
    case "fromAgent":
      return dialAnswered(state, event.packet);
    case "fromFrontend":
      return spokeEarly(state, event.packet);
    case "dialTimedOut":
      return giveUp(state, "backend_dial_timeout", [
        refuseDial(state.frontendDialId, texts.dialTimedOut),
      ]);
    case "frontendGone":
      return giveUp(state, "frontend_close", []);
    case "agentGone":
      return [
        closed,
        [
          refuseDial(state.frontendDialId, texts.agentLost),
          { kind: "dialFailed", reason: "backend_close" },
          released,
        ],
      ];
    case "dialled":
    case "undialable":
      return [state, [refuseDial(event.request.dialId, texts.secondDial)]];
    case "readerStalled":
      return [state, []];
  }
}

function spokeEarly(state: StateOf<"dialling">, packet: FrontendPacket): RelayStep {
  switch (packet.type) {
    case "closeDial":
      return giveUp(state, "frontend_close", []);
    case "earlyData": {
      const passedOn = { ...packet, dialId: state.dialId };
      return [state, [{ kind: "toAgent", packet: passedOn }]];
    }
    case "halfClose":
      return [{ ...state, hasEnded: true }, []];
    case "data":
    case "closeRequest":
      return giveUp(state, "frontend_close", [
        closeFrontend(packet.connectionId, texts.mismatchedConnection),
      ]);
  }
}

function dialAnswered(state: StateOf<"dialling">, packet: AgentPacket): RelayStep {
  if (packet.type === "closeDial") {
    const passedOn = { ...packet, dialId: state.frontendDialId };
    return [
      closed,
      [
        { kind: "toFrontend", packet: passedOn },
        { kind: "dialFailed", reason: "backend_close" },
        released,
      ],
    ];
  }
  // Data cannot be ours yet: the backend knows no connection id of this stream.
  if (packet.type !== "dialResponse") return [state, []];
  const { connectionId, error } = packet;
  const canHalfClose = packet.canHalfClose === true && state.canHalfClose === true;
  const answer: RelayEffect = {
    kind: "toFrontend",
    packet: {
      type: "dialResponse",
      dialId: state.frontendDialId,
      connectionId,
      error,
      ...(canHalfClose && { canHalfClose }),
    },
  };
  if (error !== "") {
    return [closed, [answer, { kind: "dialFailed", reason: "error_response" }, released]];
  }
  const open: OpenRelay = { kind: "open", connectionId, ...(canHalfClose && { canHalfClose }) };
  const effects: RelayEffect[] = [{ kind: "established", connectionId }, answer];
  if (state.hasEnded !== true) return [open, effects];
  const [next, more] = frontendEnded(open);
  return [next, [...effects, ...more]];
}

function giveUp(
  { dialId }: StateOf<"dialling">,
  reason: DialFailure,
  answers: readonly RelayEffect[],
): RelayStep {
  return [
    closed,
    [
      ...answers,
      { kind: "toAgent", packet: { type: "closeDial", dialId } },
      { kind: "dialFailed", reason },
      released,
    ],
  ];
}

function whileOpen(state: StateOf<"open">, event: RelayEvent): RelayStep {
  const { connectionId } = state;
  const closeAgent = askAgentToClose(connectionId);
  switch (event.kind) {
    case "fromFrontend":
      return frontendSpoke(state, event.packet, closeAgent);
    case "fromAgent":
      return agentSpoke(state, event.packet);
    case "readerStalled":
      return [closed, [closeAgent, released, cutStalled]];
    case "frontendGone":
      return [closed, [closeAgent, released]];
    case "agentGone":
      return [closed, [closeFrontend(connectionId, texts.agentLost), released]];
    case "dialled":
    case "undialable":
      return [state, [refuseDial(event.request.dialId, texts.secondDial)]];
    case "dialTimedOut":
      return [state, []];
  }
}

function frontendSpoke(
  state: StateOf<"open">,
  packet: FrontendPacket,
  closeAgent: RelayEffect,
): RelayStep {
  // Too late to cancel: the answer crossed it. The frontend closes what it got, or ends its stream.
  if (packet.type === "closeDial" || packet.type === "earlyData") return [state, []];
  if (packet.type === "halfClose") return frontendEnded(state);
  const { connectionId } = state;
  if (packet.connectionId !== connectionId) {
    // The id may be another frontend's connection: nothing with it may reach the agent.
    return [
      closed,
      [
        closeFrontend(packet.connectionId, texts.mismatchedConnection),
        closeFrontend(connectionId, texts.mismatchedConnection),
        closeAgent,
        released,
      ],
    ];
  }
  if (packet.type === "closeRequest") return [{ kind: "closing", connectionId }, [closeAgent]];
  return packet.bytes.length === 0 ? [state, []] : [state, [{ kind: "toAgent", packet }]];
}

/** Without half-close on both sides, the end of one direction is the end of the connection. */
function frontendEnded(state: OpenRelay): RelayStep {
  const { connectionId, canHalfClose = false, ended } = state;
  if (!canHalfClose) return [{ kind: "closing", connectionId }, [askAgentToClose(connectionId)]];
  const effects: RelayEffect[] = [{ kind: "toAgent", packet: { type: "halfClose", connectionId } }];
  if (ended === "agent") return [closed, [...effects, released]];
  return [{ ...state, ended: "frontend" }, effects];
}

function agentEnded(state: RelayState, { connectionId }: HalfClose): RelayStep {
  const canHalfClose = state.kind === "open" && state.canHalfClose === true;
  if (!canHalfClose) {
    return [closed, [closeFrontend(connectionId, ""), released]];
  }
  const effects: RelayEffect[] = [
    { kind: "toFrontend", packet: { type: "halfClose", connectionId } },
  ];
  if (state.ended === "frontend") return [closed, [...effects, released]];
  return [{ ...state, ended: "agent" }, effects];
}

function agentSpoke(state: RelayState, packet: AgentPacket): RelayStep {
  switch (packet.type) {
    case "data":
      return packet.bytes.length === 0 ? [state, []] : [state, [{ kind: "toFrontend", packet }]];
    case "halfClose":
      return agentEnded(state, packet);
    case "closeResponse":
      return [closed, [{ kind: "toFrontend", packet }, released]];
    case "dialResponse":
    case "closeDial":
      return [state, []];
  }
}

function whileClosing(state: StateOf<"closing">, event: RelayEvent): RelayStep {
  switch (event.kind) {
    case "fromAgent":
      return agentSpoke(state, event.packet);
    case "agentGone":
      return [closed, [closeFrontend(state.connectionId, texts.agentLost), released]];
    case "frontendGone":
      return [closed, [released]];
    case "readerStalled":
      return [closed, [released, cutStalled]];
    case "fromFrontend":
    case "dialled":
    case "undialable":
    case "dialTimedOut":
      return [state, []];
  }
}

function refuseDial(dialId: bigint, error: string): RelayEffect {
  return {
    kind: "toFrontend",
    packet: { type: "dialResponse", dialId, connectionId: 0n, error },
  };
}

function askAgentToClose(connectionId: bigint): RelayEffect {
  return { kind: "toAgent", packet: { type: "closeRequest", connectionId } };
}

function closeFrontend(connectionId: bigint, error: string): RelayEffect {
  return { kind: "toFrontend", packet: { type: "closeResponse", connectionId, error } };
}
