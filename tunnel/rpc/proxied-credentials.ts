import type { ChannelCredentials } from "@grpc/grpc-js";
import { askForTunnel, type OutgoingProxy, type ProxyTarget } from "#runtime";
import { withConnector } from "./secure-connector.ts";

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
  return withConnector(credentials, (connector) => ({
    connect: async (socket) => connector.connect(await askForTunnel(socket, proxy, target)),
  }));
}
