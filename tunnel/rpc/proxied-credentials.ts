import type { Socket } from "node:net";
import type { ChannelCredentials } from "@grpc/grpc-js";
import { askForTunnel, type OutgoingProxy, type ProxyTarget } from "#runtime";

/** How grpc-js makes a TCP connection a secure one; it keeps that to itself (see internals.ts). */
interface SecureConnector {
  connect(socket: Socket): Promise<unknown>;
}

type MakeConnector = (this: unknown, ...args: unknown[]) => SecureConnector;

const makeConnector = "_createSecureConnector";

/**
 * Credentials for a channel whose address is the proxy's: each connection asks the proxy for the
 * target before TLS to the target begins. grpc-js knows proxies of its own, but none that is spoken
 * to in TLS, and it would ask them for this machine too.
 */
export function throughProxy(
  credentials: ChannelCredentials,
  proxy: OutgoingProxy,
  target: ProxyTarget,
): ChannelCredentials {
  const make = (credentials as unknown as Readonly<Record<string, MakeConnector>>)[makeConnector];
  if (make === undefined) throw new TypeError("Cannot use a proxy with this version of grpc-js");
  const makeProxied: MakeConnector = (...args) => {
    const connector = make.apply(credentials, args);
    const connect = async (socket: Socket): Promise<unknown> =>
      connector.connect(await askForTunnel(socket, proxy, target));
    return Object.assign(Object.create(connector) as SecureConnector, { connect });
  };
  const proxied = { [makeConnector]: makeProxied };
  return Object.assign(Object.create(credentials) as ChannelCredentials, proxied);
}
