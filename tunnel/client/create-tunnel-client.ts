import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { silentLogger } from "#runtime";
import { TunnelError } from "../tunnel-error.ts";
import type { DialRequest } from "../wire/packet.ts";
import type { ServerChannel } from "./server-channel.ts";
import { ServerHints } from "./server-hints.ts";
import { ServerSet } from "./server-set.ts";
import type { TunnelClient, TunnelClientOptions } from "./tunnel-client.ts";
import { type ProxyStream, TunnelConnection } from "./tunnel-connection.ts";

const defaultDialTimeoutMs = 30_000;
const defaultKeepaliveTimeMs = 5 * 60_000;

/** See {@link TunnelClient}. Throws a RangeError when `servers` is empty. */
export function createTunnelClient(options: TunnelClientOptions): TunnelClient {
  const { servers, dialTimeoutMs = defaultDialTimeoutMs, log = silentLogger } = options;
  if (servers.length === 0) throw new RangeError("Cannot use servers []: at least one is needed");
  const set = new ServerSet({
    servers,
    serverName: options.serverName,
    tls: options.tls,
    keepaliveTimeMs: options.keepaliveTimeMs ?? defaultKeepaliveTimeMs,
    log,
  });
  const hints = new ServerHints();
  return {
    name: "tunnel-client",
    run: (signal) => set.run(signal),
    reasonNotReady: () => set.reasonNotReady(),
    async dial(host, port, signal) {
      const timeout = new AbortController();
      const timer = setTimeout(() => timeout.abort(), dialTimeoutMs);
      const either = AbortSignal.any([signal, timeout.signal]);
      try {
        return await dialAny(hints.order(host, set.channels()), { host, port, hints }, either);
      } catch (error) {
        if (signal.aborted || !timeout.signal.aborted) throw error;
        throw new TunnelError("dial_timeout", `Cannot dial ${host}:${port}: no answer in time`);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

interface Target {
  readonly host: string;
  readonly port: number;
  readonly hints: ServerHints;
}

/** Asks one server after the other, as long as another one may know better. */
async function dialAny(
  channels: readonly ServerChannel[],
  { host, port, hints }: Target,
  signal: AbortSignal,
): Promise<Duplex> {
  let failure = new TunnelError("unreachable", "Cannot dial: no tunnel server is known");
  for (const channel of channels) {
    try {
      const connection = await dialOne(channel, addressOf(host, port), signal);
      hints.remember(host, channel.address);
      return connection;
    } catch (error) {
      signal.throwIfAborted();
      const next = TunnelError.from(error, "protocol");
      if (next.code !== "no_agent" && next.code !== "unreachable") throw next;
      // That an agent is missing says more than that a server does.
      if (failure.code !== "no_agent") failure = next;
    }
  }
  hints.forget(host);
  throw new TunnelError(failure.code, `Cannot dial ${host}:${port}: ${failure.message}`, {
    cause: failure,
  });
}

async function dialOne(
  channel: ServerChannel,
  address: string,
  signal: AbortSignal,
): Promise<Duplex> {
  signal.throwIfAborted();
  const dialId = randomBytes(8).readBigUInt64BE() >> 1n;
  const stream = await openStream(channel, { address, dialId }, signal);
  const connection = new TunnelConnection({ stream, address, dialId });
  const abandon = () => connection.destroy();
  // Until the caller has it, the promise alone reports errors.
  const ignore = () => undefined;
  connection.on("error", ignore);
  signal.addEventListener("abort", abandon);
  try {
    await connection.opened;
    connection.off("error", ignore);
    return connection;
  } finally {
    signal.removeEventListener("abort", abandon);
  }
}

/** An open stream that comes when nobody waits any more is cancelled. */
async function openStream(
  channel: ServerChannel,
  dial: Pick<DialRequest, "address" | "dialId">,
  signal: AbortSignal,
): Promise<ProxyStream> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason as Error);
  signal.addEventListener("abort", abort);
  const opening = channel.openStream(dial);
  try {
    return await Promise.race([opening, aborted]);
  } catch (error) {
    void opening.then((stream) => stream.cancel());
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function addressOf(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
