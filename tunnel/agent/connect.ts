import { randomUUID } from "node:crypto";
import {
  type Client,
  type ClientDuplexStream,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import type { OutgoingProxy } from "#runtime";
import { openChannel } from "../rpc/channel.ts";
import { isUsable, SessionFinder, widenOwnSession } from "../rpc/own-session.ts";
import { type CarrierAnswer, openRawCarrier } from "../rpc/raw-openings.ts";
import type { RawStream } from "../rpc/raw-stream.ts";
import { agentService, headers } from "../rpc/services.ts";
import { watchSession } from "../rpc/session-watch.ts";
import { statusText } from "../rpc/status-text.ts";
import type { TlsMaterial } from "../tls-source.ts";
import { TunnelError } from "../tunnel-error.ts";
import type { Packet } from "../wire/packet.ts";

export interface ConnectSettings {
  /** `host:port` of the tunnel server, or of whatever stands in front of several. */
  readonly address: string;
  readonly serverName: string | undefined;
  readonly proxy?: OutgoingProxy | undefined;
  readonly tls: TlsMaterial;
  readonly agentId: string;
  /** The query string of what this agent can reach. */
  readonly identifiers: string;
  /** Sent as a bearer token. */
  readonly token: string | undefined;
  readonly keepaliveTimeMs: number;
}

/** A Connect stream whose handshake is done. */
export interface ServerStream {
  readonly serverId: string;
  readonly serverCount: number;
  readonly stream: ClientDuplexStream<Packet, Packet>;
  /** Opens a stream for one connection; `undefined` where the server has no such thing. */
  readonly openCarrier: OpenCarrier | undefined;
  /** Ends the stream and its TCP connection. */
  close(): void;
}

/** Opens a stream for one connection with the answer to its dial, unless the server is gone. */
export type OpenCarrier = (answer: CarrierAnswer) => RawStream | undefined;

const handshakeTimeoutMs = 10_000;
const keepaliveTimeoutMs = 10_000;

/**
 * Connects to a server, over a TCP connection of its own, and waits for its handshake.
 *
 * Throws a TunnelError that carries the server's status, or the reason of `signal`.
 */
export async function connectToServer(
  settings: ConnectSettings,
  signal: AbortSignal,
): Promise<ServerStream> {
  const { address, serverName, tls, keepaliveTimeMs, proxy } = settings;
  const client = openChannel({
    address,
    ...(serverName !== undefined && { serverName }),
    tls,
    proxy,
    userAgent: "spokeway-tunnel-agent",
    keepaliveTimeMs,
    keepaliveTimeoutMs,
    isPingingIdle: true,
    maxReconnectDelayMs: handshakeTimeoutMs,
  });
  const finder = new SessionFinder(randomUUID());
  const stream = openStream(client, settings, finder.mark);
  const close = () => {
    stream.cancel();
    client.close();
  };
  try {
    const answer = await handshake(stream, signal);
    return {
      ...readAnswer(answer),
      openCarrier: carrierOpener(finder, answer, settings),
      stream,
      close,
    };
  } catch (error) {
    close();
    throw error;
  } finally {
    finder.stop();
  }
}

function openStream(
  client: Client,
  { agentId, identifiers, token }: ConnectSettings,
  mark: string,
): ClientDuplexStream<Packet, Packet> {
  const { path, requestSerialize, responseDeserialize } = agentService.Connect;
  const metadata = new Metadata();
  metadata.set(headers.agentId, agentId);
  metadata.set(headers.agentIdentifiers, identifiers);
  metadata.set(headers.session, mark);
  if (token !== undefined) metadata.set(headers.authorization, `Bearer ${token}`);
  const stream = client.makeBidiStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    metadata,
  );
  // Whoever waits on the stream hears of errors; before and after that they must not be fatal.
  stream.on("error", () => undefined);
  return stream;
}

/** Connections get streams of their own if the server has opened a session for them. */
function carrierOpener(
  { session }: SessionFinder,
  answer: Metadata,
  { keepaliveTimeMs }: ConnectSettings,
): OpenCarrier | undefined {
  const [sessionId] = answer.get(headers.session).map(String);
  if (sessionId === undefined || session === undefined) return undefined;
  widenOwnSession(session);
  watchSession(session, { keepaliveTimeMs });
  return (dial) => (isUsable(session) ? openRawCarrier(session, sessionId, dial) : undefined);
}

async function handshake(
  stream: ClientDuplexStream<Packet, Packet>,
  signal: AbortSignal,
): Promise<Metadata> {
  const { promise, resolve, reject } = Promise.withResolvers<Metadata>();
  const failed = (error: ServiceError) => reject(refusedBy(error));
  const ended = () => reject(new TunnelError("closed", "Server ended the handshake"));
  const timer = setTimeout(() => {
    reject(new TunnelError("unreachable", "Server did not answer the handshake in time"));
  }, handshakeTimeoutMs);
  const aborted = () => reject(signal.reason as Error);
  signal.addEventListener("abort", aborted);
  stream.once("metadata", resolve);
  stream.once("error", failed);
  stream.once("status", ended);
  try {
    signal.throwIfAborted();
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", aborted);
    stream.off("metadata", resolve);
    stream.off("error", failed);
    stream.off("status", ended);
  }
}

function refusedBy(error: ServiceError): TunnelError {
  const what =
    error.code === status.UNAVAILABLE ? "Cannot reach server" : "Server refused the stream";
  return new TunnelError("unreachable", `${what}: ${statusText(error)}`);
}

function readAnswer(answer: Metadata): { serverId: string; serverCount: number } {
  const ids = answer.get(headers.serverId).map(String);
  const counts = answer.get(headers.serverCount).map(Number);
  const [serverId] = ids;
  const [serverCount] = counts;
  if (serverId === undefined || ids.length > 1) {
    throw new TunnelError(
      "protocol",
      `expected one server ID in the context, got [${ids.join(" ")}]`,
    );
  }
  if (serverCount === undefined || counts.length > 1 || !Number.isSafeInteger(serverCount)) {
    throw new TunnelError("protocol", `expected one server count, got ${counts.length}`);
  }
  return { serverId, serverCount };
}
