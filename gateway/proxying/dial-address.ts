import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { dialThroughSocks } from "./dial-socks.ts";

/** Connects to the host and port of an address, directly. Rejects with what `node:net` says. */
export async function dialAddress(url: URL, signal: AbortSignal): Promise<Duplex> {
  const { host, port } = targetOf(url);
  const socket = connect({ host, port, keepAlive: true, allowHalfOpen: true });
  try {
    await once(socket, "connect", { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/**
 * Connects to the host and port of an address through a forward proxy, by CONNECT or SOCKS5. Rejects with
 * an Error that names the proxy, never what it was told to authenticate.
 */
export async function dialThroughProxy(url: URL, proxy: URL, signal: AbortSignal): Promise<Duplex> {
  const { host, port } = targetOf(url);
  if (proxy.protocol.startsWith("socks5")) return dialThroughSocks(host, port, proxy, signal);
  const target = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const send = proxy.protocol === "https:" ? requestHttps : requestHttp;
  const outgoing = send({
    host: targetOf(proxy).host,
    port: targetOf(proxy).port,
    method: "CONNECT",
    path: target,
    headers: { Host: target, ...proxyAuthorization(proxy) },
    agent: false,
    signal,
  });
  const { response, socket } = await connected(outgoing, proxy);
  if (response.statusCode === 200) return socket;
  socket.destroy();
  throw new Error(`Proxy ${proxy.host} refused ${target}: HTTP ${response.statusCode ?? 0}`);
}

async function connected(
  outgoing: ClientRequest,
  proxy: URL,
): Promise<{ readonly response: IncomingMessage; readonly socket: Duplex }> {
  try {
    const answer = once(outgoing, "connect") as Promise<[IncomingMessage, Duplex, Buffer]>;
    outgoing.end();
    const [response, socket, head] = await answer;
    if (head.length > 0) socket.unshift(head);
    return { response, socket };
  } catch (cause) {
    throw new Error(`Proxy ${proxy.host} cannot be used`, { cause });
  }
}

function proxyAuthorization({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === "") return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { "Proxy-Authorization": `Basic ${Buffer.from(pair).toString("base64")}` };
}

function targetOf(url: URL): { readonly host: string; readonly port: number } {
  const fallback = url.protocol === "http:" ? 80 : 443;
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? fallback : Number(url.port),
  };
}
