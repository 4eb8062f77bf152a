import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";

const version = 5;
const noAuthentication = 0;
const passwordAuthentication = 2;
const connectCommand = 1;
const domainName = 3;

/** What a proxy says of a connection that it could not make, by its number (RFC 1928). */
const refusals = [
  "no reason",
  "general failure",
  "not allowed by its rules",
  "network unreachable",
  "host unreachable",
  "connection refused",
  "TTL expired",
  "command not supported",
  "address type not supported",
];

/**
 * Connects to `host:port` through a SOCKS5 proxy, which resolves the name. Rejects with an Error
 * that names the proxy, never what it was told to authenticate.
 */
export async function dialThroughSocks(
  host: string,
  port: number,
  proxy: URL,
  signal: AbortSignal,
): Promise<Duplex> {
  const socket = connect({
    host: proxy.hostname.replace(/^\[|\]$/g, ""),
    port: proxy.port === "" ? 1080 : Number(proxy.port),
    keepAlive: true,
    allowHalfOpen: true,
  });
  const abort = () => socket.destroy(new Error("Nobody waits any more"));
  signal.addEventListener("abort", abort, { once: true });
  try {
    await once(socket, "connect", { signal });
    await greet(socket, proxy);
    await request(socket, host, port);
    return socket;
  } catch (cause) {
    socket.destroy();
    throw new Error(`Proxy ${proxy.host} cannot be used for ${host}:${port}`, { cause });
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

async function greet(socket: Socket, { username, password }: URL): Promise<void> {
  const method = username === "" ? noAuthentication : passwordAuthentication;
  socket.write(Buffer.from([version, 1, method]));
  const [, chosen] = await read(socket, 2);
  if (chosen !== method) throw new Error("it does not take this way to authenticate");
  if (method === noAuthentication) return;
  socket.write(Buffer.concat([Buffer.from([1]), field(username), field(password)]));
  const [, status] = await read(socket, 2);
  if (status !== 0) throw new Error("it does not accept user name and password");
}

async function request(socket: Socket, host: string, port: number): Promise<void> {
  const head = Buffer.from([version, connectCommand, 0, domainName]);
  socket.write(Buffer.concat([head, field(host), Buffer.from([port >> 8, port & 0xff])]));
  const [, status = 0, , type = 0] = await read(socket, 4);
  if (status !== 0) throw new Error(`it answered: ${refusals[status] ?? `code ${status}`}`);
  // The address that the proxy connects from is nothing to us.
  const [length = 0] = type === domainName ? await read(socket, 1) : [type === 1 ? 4 : 16];
  await read(socket, length + 2);
}

function field(text: string): Buffer {
  const bytes = Buffer.from(decodeURIComponent(text));
  if (bytes.length === 0 || bytes.length > 255) throw new Error("a field has a length of 1 to 255");
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

/** Exactly so many bytes; what follows belongs to whoever reads next. */
async function read(socket: Socket, bytes: number): Promise<Buffer> {
  for (;;) {
    const chunk = socket.read(bytes) as Buffer | null;
    if (chunk?.length === bytes) return chunk;
    if (socket.readableEnded || socket.destroyed) throw new Error("it closed the connection");
    await Promise.race([once(socket, "readable"), once(socket, "end"), once(socket, "close")]);
  }
}
