import type { Duplex } from "node:stream";
import { createTransport, createTransportPool, type Transport, type Upstream } from "#proxy";
import { describeError } from "#runtime";
import type { Cluster, Endpoint } from "../clusters/cluster.ts";
import { dialAddress, dialThroughProxy } from "./dial-address.ts";
import type { Reachability } from "./reachability.ts";

/** The way through the tunnel to `host:port` as the managed cluster sees it. */
export type TunnelDial = (host: string, port: number, signal: AbortSignal) => Promise<Duplex>;

export interface ClusterTransportsOptions {
  /** Without it, clusters of type ClusterProxy cannot be reached. */
  readonly tunnelDial?: TunnelDial | undefined;
  /** The name that certificates of API servers behind the tunnel must have. */
  readonly tunnelServerName: string;
  readonly reachability: Reachability;
}

/** Connections to all clusters, each kept and shared. */
export interface ClusterTransports {
  /**
   * The transport for a cluster as it is now. Throws what `node:tls` throws when certificate or
   * key cannot be used.
   */
  of(cluster: Cluster): Transport;
  /** Lets go of a cluster that is gone; requests under way go on. */
  close(name: string): void;
  destroy(): void;
}

const tunnelPort = 443;

/** Makes an empty set. Connections open with the first request to a cluster. */
export function createClusterTransports(options: ClusterTransportsOptions): ClusterTransports {
  const pool = createTransportPool();
  return {
    of: (cluster) =>
      pool.get(cluster.name, cluster.connectionFingerprint, () =>
        createTransport(upstreamOf(cluster, options)),
      ),
    close(name) {
      pool.close(name);
      options.reachability.forget(name);
    },
    destroy: () => pool.destroy(),
  };
}

function upstreamOf(cluster: Cluster, options: ClusterTransportsOptions): Upstream {
  const { name, endpoint, credential } = cluster;
  const authority = endpoint.kind === "tunnel" ? name : endpoint.url.host;
  const dial = watched(name, dialTo(name, endpoint, options), options.reachability);
  if (endpoint.kind === "const" && endpoint.url.protocol === "http:") return { authority, dial };
  const { kind: _kind, ...pair } = credential.kind === "certificate" ? credential : { kind: "" };
  return { authority, dial, tls: { ...trustOf(endpoint, options), ...pair } };
}

function trustOf(endpoint: Endpoint, { tunnelServerName }: ClusterTransportsOptions) {
  if (endpoint.kind === "tunnel") return { ca: endpoint.ca, serverName: tunnelServerName };
  const { url, ca, isInsecure } = endpoint;
  return {
    serverName: url.hostname.replace(/^\[|\]$/g, ""),
    insecure: isInsecure,
    ...(ca === undefined ? {} : { ca }),
  };
}

type Dial = Upstream["dial"];

function dialTo(name: string, endpoint: Endpoint, { tunnelDial }: ClusterTransportsOptions): Dial {
  if (endpoint.kind === "const") {
    const { url, proxyUrl } = endpoint;
    return proxyUrl === undefined
      ? (signal) => dialAddress(url, signal)
      : (signal) => dialThroughProxy(url, proxyUrl, signal);
  }
  if (tunnelDial === undefined) {
    return () => Promise.reject(new Error("this gateway runs without --proxy-host"));
  }
  return (signal) => tunnelDial(name, tunnelPort, signal);
}

function watched(name: string, dial: Dial, reachability: Reachability): Dial {
  return async (signal) => {
    try {
      const connection = await dial(signal);
      reachability.reached(name);
      return connection;
    } catch (error) {
      reachability.missed(name, describeError(error));
      throw error;
    }
  };
}
