import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, rootCertificates } from "node:tls";
import type { OutgoingProxy } from "./proxy-rules.ts";

/** Where a connection is to lead. */
export interface ProxyTarget {
  readonly host: string;
  readonly port: number;
}

/** A proxy did not let a connection through. The message never holds its credentials. */
export class ProxyError extends Error {
  override readonly name = "ProxyError";
  readonly code: "unreachable" | "unauthenticated" | "refused";

  constructor(code: ProxyError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const defaultTimeoutMs = 15_000;

/** `host:port` of the proxy itself. */
export function proxyAddress({ url }: OutgoingProxy): ProxyTarget {
  const usual = url.protocol === "https:" ? 443 : 80;
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? usual : Number(url.port),
  };
}

/** A TCP connection to `target` through the proxy. Throws a {@link ProxyError}. */
export async function connectThroughProxy(
  proxy: OutgoingProxy,
  target: ProxyTarget,
  signal: AbortSignal,
): Promise<Socket> {
  const socket = connectTcp({ ...proxyAddress(proxy), noDelay: true });
  const timed = AbortSignal.any([signal, AbortSignal.timeout(defaultTimeoutMs)]);
  try {
    await once(socket, "connect", { signal: timed });
    return await askForTunnel(socket, proxy, target, timed);
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    throw asProxyError(proxy, error);
  }
}

/**
 * Asks a proxy, to which `socket` is connected, for a connection to `target` (HTTP CONNECT). What is
 * returned may be another stream: TLS to the proxy comes in between. Throws a {@link ProxyError},
 * and destroys the connection then.
 */
export async function askForTunnel(
  socket: Socket,
  proxy: OutgoingProxy,
  target: ProxyTarget,
  signal: AbortSignal = AbortSignal.timeout(defaultTimeoutMs),
): Promise<Socket> {
  try {
    const stream = proxy.url.protocol === "https:" ? await secured(socket, proxy, signal) : socket;
    return await ask(stream, proxy, target, signal);
  } catch (error) {
    socket.destroy();
    throw asProxyError(proxy, error);
  }
}

async function secured(socket: Socket, proxy: OutgoingProxy, signal: AbortSignal): Promise<Socket> {
  const { host } = proxyAddress(proxy);
  const ca = await proxy.readCa?.();
  const secure = connectTls({
    socket,
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }),
    ALPNProtocols: ["http/1.1"],
  });
  await once(secure, "secureConnect", { signal });
  return secure;
}

async function ask(
  stream: Socket,
  proxy: OutgoingProxy,
  { host, port }: ProxyTarget,
  signal: AbortSignal,
): Promise<Socket> {
  const authority = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  const asking = request({
    method: "CONNECT",
    path: authority,
    headers: { Host: authority, ...credentialsOf(proxy) },
    createConnection: () => stream,
    setDefaultHeaders: false,
    signal,
  });
  asking.end();
  // Any answer comes this way, also one that grants nothing.
  const answer = await once(asking, "connect", { signal });
  const [response, , head] = answer as [IncomingMessage, Socket, Buffer];
  if (response.statusCode !== 200) throw refusal(proxy, response);
  if (head.length > 0) stream.unshift(head);
  return stream;
}

function credentialsOf({ url: { username, password } }: OutgoingProxy): Record<string, string> {
  if (username === "" && password === "") return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { "Proxy-Authorization": `Basic ${Buffer.from(pair).toString("base64")}` };
}

function refusal(proxy: OutgoingProxy, { statusCode, statusMessage }: IncomingMessage): ProxyError {
  const code = statusCode === 407 ? "unauthenticated" : "refused";
  return new ProxyError(code, `Proxy ${proxy.url.host} answered ${statusCode} ${statusMessage}`);
}

function asProxyError(proxy: OutgoingProxy, cause: unknown): ProxyError {
  if (cause instanceof ProxyError) return cause;
  return new ProxyError("unreachable", `Cannot connect through proxy ${proxy.url.host}`, { cause });
}
