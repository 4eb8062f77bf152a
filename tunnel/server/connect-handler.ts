import { Metadata, type ServerDuplexStream, status } from "@grpc/grpc-js";
import type { Logger } from "#runtime";
import type { ReceiveBudget } from "../flow/shared-receiver.ts";
import { sessionOf } from "../rpc/internals.ts";
import { headers } from "../rpc/services.ts";
import { watchSession } from "../rpc/session-watch.ts";
import type { Packet } from "../wire/packet.ts";
import type { AgentNews } from "./agent-news.ts";
import { type AgentClaim, type AuthorizeAgent, commonNamesOf } from "./authorize-agent.ts";
import { Backend } from "./backend.ts";
import type { Backends } from "./backends.ts";
import { type Refusal, readClaim } from "./handshake.ts";
import type { ServerMetrics } from "./server-metrics.ts";
import { newSessionId, type Sessions } from "./sessions.ts";

export interface ConnectOptions {
  readonly serverId: string;
  /** How many servers an agent should look for. */
  readonly serverCount: () => number;
  readonly backends: Backends;
  readonly sessions: Sessions;
  readonly news: AgentNews;
  readonly budget: ReceiveBudget;
  readonly authorizeAgent: AuthorizeAgent;
  /** Agents are looked at at least this often. */
  readonly keepaliveTimeMs: number;
  readonly metrics: ServerMetrics;
  readonly log: Logger;
}

type AgentCall = ServerDuplexStream<Packet, Packet>;

/** Serves AgentService.Connect: one call is one backend, from the handshake to its end. */
export function createConnectHandler(options: ConnectOptions): (call: AgentCall) => void {
  let lastId = 0n;
  const nextId = () => {
    lastId += 1n;
    return lastId;
  };
  return (call) => {
    if (options.news.isLeaving) return turnAway(call);
    const claim = readClaim(call.metadata, peerCertificate(call));
    if ("code" in claim) return refuse(call, claim, options, {});
    void admit(call, claim, nextId, options);
  };
}

async function admit(
  call: AgentCall,
  claim: AgentClaim,
  nextId: () => bigint,
  options: ConnectOptions,
): Promise<void> {
  const refusal = await reasonToRefuse(claim, options);
  if (call.cancelled) return;
  if (refusal !== undefined) {
    const { hosts } = claim.identifiers;
    return refuse(call, refusal, options, { hosts, certificate: nameOf(claim) });
  }
  const { serverId, serverCount, metrics } = options;
  const answer = new Metadata();
  answer.set(headers.serverId, serverId);
  answer.set(headers.serverCount, String(serverCount()));
  const sessionId = newSessionId();
  if (isOurs(call)) answer.set(headers.session, sessionId);
  // The agent waits for these headers before it sends anything.
  call.sendMetadata(answer);
  metrics.streams("Connect", 1);
  serve(call, claim, { id: nextId(), sessionId }, options);
}

async function reasonToRefuse(
  claim: AgentClaim,
  { authorizeAgent }: ConnectOptions,
): Promise<Refusal | undefined> {
  try {
    const reason = await authorizeAgent(claim);
    return reason === undefined ? undefined : { code: status.PERMISSION_DENIED, details: reason };
  } catch (error) {
    const details = error instanceof Error ? error.message : "Cannot authorize agent";
    return { code: status.UNAUTHENTICATED, details };
  }
}

function serve(
  call: AgentCall,
  claim: AgentClaim,
  { id, sessionId }: { readonly id: bigint; readonly sessionId: string },
  options: ConnectOptions,
): void {
  const { backends, metrics, news, sessions } = options;
  const { agentId, identifiers } = claim;
  const log = options.log.with({ agentId, peer: call.getPeer() });
  const backend = createBackend(call, claim, id, { ...options, log });
  backends.add(backend);
  sessions.open(backend, sessionId);
  metrics.backends(backends.sizes());
  log.info("Agent connected", { hosts: identifiers.hosts, certificate: nameOf(claim) });
  const forget = observe(call, agentId, options);
  const stopNews = isOurs(call) ? news.add(call) : undefined;
  let isOver = false;
  const end = () => {
    if (isOver) return;
    isOver = true;
    forget();
    stopNews?.();
    backends.remove(backend);
    sessions.close(sessionId);
    metrics.backends(backends.sizes());
    metrics.streams("Connect", -1);
    backend.close();
    log.info("Agent disconnected");
    call.end();
  };
  call.on("data", (packet: Packet) => {
    metrics.packet("from_agent", packet);
    backend.handle(packet);
  });
  call.on("end", end);
  call.on("cancelled", end);
  call.on("close", end);
  call.on("error", (error) => {
    metrics.streamError("from_agent", "Unknown");
    log.warn("Agent's stream failed", { error });
    end();
  });
}

function createBackend(
  call: AgentCall,
  { agentId, identifiers }: AgentClaim,
  id: bigint,
  { backends, budget, metrics, log }: ConnectOptions,
): Backend {
  const backend: Backend = new Backend({
    id,
    agentId,
    identifiers,
    stream: call,
    takesEarlyData: isOurs(call),
    budget,
    onUnrecognizedAnswer: () => metrics.dialFailed("unrecognized_response"),
    onDrain() {
      log.info("Agent drains");
      backends.changed(backend);
    },
  });
  return backend;
}

/** Measures how the stream does, until the function returned is called, and ends one that is dead. */
function observe(
  call: AgentCall,
  agentId: string,
  { metrics, keepaliveTimeMs }: ConnectOptions,
): () => void {
  const release = metrics.holds.Connect.follow(call);
  const stop = watchSession(sessionOf(call), {
    keepaliveTimeMs,
    onRoundTrip: (ms) => metrics.roundTrip(agentId, ms / 1000),
  });
  return () => {
    release();
    stop();
    metrics.roundTrip(agentId, undefined);
  };
}

function isOurs(call: AgentCall): boolean {
  return call.metadata.get(headers.session).length > 0;
}

function refuse(
  call: AgentCall,
  refusal: Refusal,
  { log, metrics }: ConnectOptions,
  claimed: Readonly<Record<string, unknown>>,
): void {
  metrics.agentRefused();
  log.warn("Refused agent", { ...claimed, peer: call.getPeer(), reason: refusal.details });
  call.emit("error", refusal);
}

/** Another server will take it. */
function turnAway(call: AgentCall): void {
  const details = "the tunnel server is about to end";
  call.emit("error", { code: status.UNAVAILABLE, details } satisfies Refusal);
}

/** Whose certificate it is, for the log. */
function nameOf({ certificate }: AgentClaim): string | undefined {
  return certificate && commonNamesOf(certificate)[0];
}

function peerCertificate(call: AgentCall) {
  return call.getAuthContext().sslPeerCertificate;
}
