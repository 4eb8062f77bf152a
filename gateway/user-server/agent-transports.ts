import { serviceProxyHost, serviceProxyPort } from "#api";
import { createTransport, createTransportPool, type Transport } from "#proxy";
import type { TlsSource } from "#tunnel";
import type { TunnelDial } from "../proxying/cluster-transports.ts";

export interface AgentTransportsOptions {
  readonly dial: TunnelDial;
  /** The same, whose connections need not be open yet. */
  readonly dialEarly: TunnelDial;
  /** Our certificate for the service proxies, and in `ca` whom theirs come from. */
  readonly tls: TlsSource;
}

/** Connections to the service proxies of all clusters, each kept and shared. */
export interface AgentTransports {
  of(cluster: string): Transport;
  /** Lets go of a cluster that is gone; requests under way go on. */
  close(cluster: string): void;
  destroy(): void;
}

/** Makes an empty set. Connections open with the first request to a cluster. */
export function createAgentTransports({
  dial,
  dialEarly,
  tls,
}: AgentTransportsOptions): AgentTransports {
  const pool = createTransportPool();
  let generation = 0;
  const forget = tls.onChange(() => {
    generation += 1;
  });
  return {
    of: (cluster) =>
      pool.get(cluster, String(generation), () => {
        const host = serviceProxyHost(cluster);
        const { ca, cert, key } = tls.current;
        return createTransport({
          authority: host,
          dial: (signal) => dial(host, serviceProxyPort, signal),
          dialEarly: (signal) => dialEarly(host, serviceProxyPort, signal),
          tls: {
            serverName: host,
            ...(ca === undefined ? {} : { ca: ca.toString() }),
            ...(cert === undefined ? {} : { cert: cert.toString() }),
            ...(key === undefined ? {} : { key: key.toString() }),
          },
        });
      }),
    close: (cluster) => pool.close(cluster),
    destroy() {
      forget();
      pool.destroy();
    },
  };
}
