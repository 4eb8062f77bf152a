import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { backoffDelays, createMetrics, silentLogger } from "#runtime";
import { TunnelError } from "../tunnel-error.ts";
import type { DialRequest } from "../wire/packet.ts";
import { texts } from "../wire/texts.ts";
import { type ClientMetrics, createClientMetrics } from "./client-metrics.ts";
import { orderServers, type ServerState } from "./order-servers.ts";
import type { ServerChannel } from "./server-channel.ts";
import { ServerHints } from "./server-hints.ts";
import { ServerSet } from "./server-set.ts";
import type { TunnelClient, TunnelClientOptions } from "./tunnel-client.ts";
import { type ProxyStream, TunnelConnection } from "./tunnel-connection.ts";

const defaultDialTimeoutMs = 30_000;
const defaultKeepaliveTimeMs = 5 * 60_000;
/** Between two dials of a host that was lost a moment ago. */
const retryDelays = { minMs: 10, maxMs: 100, jitter: 0.2 } as const;

/** See {@link TunnelClient}. Throws a RangeError when `servers` is empty. */
export function createTunnelClient(options: TunnelClientOptions): TunnelClient {
  const { servers, addresses, serverName, tls, log = silentLogger } = options;
  if (servers.length === 0) throw new RangeError("Cannot use servers []: at least one is needed");
  const { keepaliveTimeMs = defaultKeepaliveTimeMs } = options;
  const set = new ServerSet({ servers, addresses, serverName, tls, keepaliveTimeMs, log });
  const hints = new ServerHints();
  const stateFor = (host: string) => (channel: ServerChannel) =>
    channel.stateFor(host, hints.isHinted(host, channel.address));
  const ask: Asking = {
    hints,
    metrics: createClientMetrics(options.metrics ?? createMetrics()),
    dialTimeoutMs: options.dialTimeoutMs ?? defaultDialTimeoutMs,
    stateFor,
    serversFor: (host) => orderServers(set.channels(), stateFor(host), Math.random),
    hasServers: () => set.channels().length > 0,
    awaitServing: (host, ms, signal) => set.awaitServing(host, ms, signal),
  };
  return {
    name: "tunnel-client",
    run: (signal) => set.run(signal),
    reasonNotReady: () => set.reasonNotReady(),
    dial: (host, port, signal) => dial(ask, { host, port }, signal),
    dialEarly: (host, port, signal) => dialEarly(ask, { host, port }, signal),
  };
}

async function dial(ask: Asking, target: Target, signal: AbortSignal): Promise<Duplex> {
  return within(ask, target, signal, (either) => dialHeld(ask, target, either));
}

async function dialEarly(ask: Asking, target: Target, signal: AbortSignal): Promise<Duplex> {
  const { hints, serversFor, stateFor } = ask;
  const { host } = target;
  // What a server says it holds may be news of before the loss.
  const [first] = hints.isDoubtful(host) ? [] : serversFor(host);
  if (first === undefined || !isGoodChoice(stateFor(host)(first))) return dial(ask, target, signal);
  const started = await start(ask, first, target, signal).catch(unlessElsewhere);
  if (started === undefined) return dial(ask, target, signal);
  const { connection, isEarly } = started;
  const opened = within(ask, target, signal, async (either) => {
    await whenOpen(connection, either);
    hints.remember(host, first.address);
    return connection;
  });
  if (!isEarly) return opened;
  opened.catch((error: unknown) => {
    if (isElsewhere(error)) hints.missed(host);
    connection.destroy(error instanceof Error ? error : new Error("Dial was given up"));
  });
  return connection;
}

/** Whether a dial through the server is likely to work: it says so, or the last one did. */
function isGoodChoice({ isReady, holding, isHinted }: ServerState): boolean {
  return isReady && (holding === "serving" || isHinted);
}

/** Whom to ask, and what is remembered of the answers. */
interface Asking {
  readonly hints: ServerHints;
  readonly metrics: ClientMetrics;
  readonly dialTimeoutMs: number;
  readonly stateFor: (host: string) => (server: ServerChannel) => ServerState;
  readonly serversFor: (host: string) => readonly ServerChannel[];
  readonly hasServers: () => boolean;
  readonly awaitServing: (host: string, ms: number, signal: AbortSignal) => Promise<void>;
}

interface Target {
  readonly host: string;
  readonly port: number;
}

/** Gives a dial up in time; says which of the two it was that ended it. Counts those that fail. */
async function within<T>(
  { dialTimeoutMs, metrics }: Asking,
  { host, port }: Target,
  signal: AbortSignal,
  dialling: (either: AbortSignal) => Promise<T>,
): Promise<T> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), dialTimeoutMs);
  try {
    return await dialling(AbortSignal.any([signal, timeout.signal]));
  } catch (error) {
    const isLate = timeout.signal.aborted && !signal.aborted;
    const failure = isLate
      ? new TunnelError("dial_timeout", `Cannot dial ${host}:${port}: no answer in time`)
      : error;
    metrics.dialFailed(failure);
    throw failure;
  } finally {
    clearTimeout(timer);
  }
}

/** Dials again, for a moment, when the host was there until now. */
async function dialHeld(ask: Asking, target: Target, signal: AbortSignal): Promise<Duplex> {
  const delays = backoffDelays(retryDelays);
  for (;;) {
    try {
      return await dialAny(ask, target, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!isElsewhere(error) || !ask.hints.missed(target.host)) throw error;
      await ask.awaitServing(target.host, delays.next().value, signal);
    }
  }
}

/** Asks one server after the other, as long as another one may know better. */
async function dialAny(ask: Asking, { host, port }: Target, signal: AbortSignal): Promise<Duplex> {
  const { hints, serversFor, hasServers } = ask;
  let failure = hasServers()
    ? new TunnelError("no_agent", texts.noAgent)
    : new TunnelError("unreachable", "no tunnel server is known");
  for (const [index, channel] of serversFor(host).entries()) {
    try {
      const { connection } = await start(ask, channel, { host, port }, signal);
      await whenOpen(connection, signal);
      hints.remember(host, channel.address);
      return connection;
    } catch (error) {
      signal.throwIfAborted();
      const next = TunnelError.from(error, "protocol");
      if (!isElsewhere(next)) throw next;
      // That an agent is missing says more than that a server does.
      if (index === 0 || failure.code !== "no_agent") failure = next;
    }
  }
  throw new TunnelError(failure.code, `Cannot dial ${host}:${port}: ${failure.message}`, {
    cause: failure,
  });
}

/** Whether another server, or the same one a moment later, may know better. */
function isElsewhere(error: unknown): boolean {
  return (
    error instanceof TunnelError && (error.code === "no_agent" || error.code === "unreachable")
  );
}

/** Whether a connection ended because somebody on its way was lost. */
function isLoss(error: unknown): boolean {
  return isElsewhere(error) || (error instanceof TunnelError && error.code === "closed");
}

function unlessElsewhere(error: unknown): undefined {
  if (!isElsewhere(error)) throw error;
}

/** Asks a server. The connection is not open yet. */
async function start(
  { hints, metrics }: Asking,
  channel: ServerChannel,
  { host, port }: Target,
  signal: AbortSignal,
): Promise<{ readonly connection: TunnelConnection; readonly isEarly: boolean }> {
  signal.throwIfAborted();
  const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  const dialId = randomBytes(8).readBigUInt64BE() >> 1n;
  const stream = await openStream(channel, host, { address, dialId }, signal);
  const connection = new TunnelConnection({ stream, address, dialId, metrics });
  metrics.follow(connection);
  channel.carry(connection, host);
  connection.once("close", () => {
    // The news that the agent is gone may come later than this, and than the next dial.
    if (isLoss(connection.errored)) hints.doubt(host);
  });
  return { connection, isEarly: stream.takesEarlyData === true };
}

/** Until the caller has the connection, the promise alone reports errors. */
async function whenOpen(connection: TunnelConnection, signal: AbortSignal): Promise<void> {
  const abandon = () => connection.destroy();
  const ignore = () => undefined;
  connection.on("error", ignore);
  signal.addEventListener("abort", abandon);
  try {
    await connection.opened;
    connection.off("error", ignore);
  } finally {
    signal.removeEventListener("abort", abandon);
  }
}

/** An open stream that comes when nobody waits any more is cancelled. */
async function openStream(
  channel: ServerChannel,
  host: string,
  dial: Pick<DialRequest, "address" | "dialId">,
  signal: AbortSignal,
): Promise<ProxyStream> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason as Error);
  signal.addEventListener("abort", abort);
  const opening = channel.openStream(host, dial);
  try {
    return await Promise.race([opening, aborted]);
  } catch (error) {
    opening.then(
      (stream) => stream.cancel(),
      () => undefined,
    );
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
