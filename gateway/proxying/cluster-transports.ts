import type { Duplex } from "node:stream";
import { createTransport, createTransportPool, type Transport, type Upstream } from "#proxy";
import { describeError, type Tracer, traced } from "#runtime";
import type { Cluster, Endpoint, ReadyCredential } from "../clusters/cluster.ts";
import { dialAddress, dialThroughProxy } from "./dial-address.ts";
import type { Reachability } from "./reachability.ts";

/** The way through the tunnel to `host:port` as the managed cluster sees it. */
export type TunnelDial = (host: string, port: number, signal: AbortSignal) => Promise<Duplex>;

export interface ClusterTransportsOptions {
  /** Without it, clusters of type ClusterProxy cannot be reached. */
  readonly tunnelDial?: TunnelDial | undefined;
  /** The same, whose connections need not be open yet: each saves a round trip to its cluster. */
  readonly tunnelDialEarly?: TunnelDial | undefined;
  /** The name that certificates of API servers behind the tunnel must have. */
  readonly tunnelServerName: string;
  readonly reachability: Reachability;
  /** Measures how long it takes to connect. */
  readonly tracer?: Tracer | undefined;
}

/** A cluster whose credential is at hand. */
export type ReadyCluster = Cluster & { readonly credential: ReadyCredential };

/** Connections to all clusters, each kept and shared. */
export interface ClusterTransports {
  /**
   * The transport for a cluster as it is now. Throws what `node:tls` throws when certificate or
   * key cannot be used.
   */
  of(cluster: ReadyCluster): Transport;
  /** Connections through the tunnel that are open; `undefined` for a cluster that needs none. */
  tunnels(cluster: Cluster): number | undefined;
  /** Lets go of a cluster that is gone; requests under way go on. */
  close(name: string): void;
  destroy(): void;
}

const tunnelPort = 443;

/** Makes an empty set. Connections open with the first request to a cluster. */
export function createClusterTransports(options: ClusterTransportsOptions): ClusterTransports {
  const pool = createTransportPool();
  const open = new Map<string, number>();
  const counted = (name: string, dial: Dial): Dial => {
    const add = (count: number) => open.set(name, (open.get(name) ?? 0) + count);
    return async (signal) => {
      const connection = await dial(signal);
      add(1);
      connection.once("close", () => add(-1));
      return connection;
    };
  };
  return {
    tunnels: ({ name, endpoint }) =>
      endpoint.kind === "tunnel" ? (open.get(name) ?? 0) : undefined,
    of: (cluster) =>
      pool.get(cluster.name, cluster.connectionFingerprint, () =>
        createTransport(upstreamOf(cluster, options, (dial) => counted(cluster.name, dial))),
      ),
    close(name) {
      pool.close(name);
      if (open.get(name) === 0) open.delete(name);
      options.reachability.forget(name);
    },
    destroy: () => pool.destroy(),
  };
}

function upstreamOf(
  cluster: ReadyCluster,
  options: ClusterTransportsOptions,
  counted: (dial: Dial) => Dial,
): Upstream {
  const { name, endpoint, credential } = cluster;
  const authority = endpoint.kind === "tunnel" ? name : endpoint.url.host;
  const watching = watched(name, dialTo(name, endpoint, options), options.reachability);
  const dial = counted(async (signal) =>
    traced(options.tracer, "dial", async () => watching(signal)),
  );
  if (endpoint.kind === "const" && endpoint.url.protocol === "http:") return { authority, dial };
  const dialEarly = earlyDialTo(name, endpoint, options);
  const early = dialEarly === undefined ? {} : { dialEarly: counted(dialEarly) };
  const { cert, key } = credential.kind === "certificate" ? credential : {};
  const pair = cert === undefined || key === undefined ? {} : { cert, key };
  return { authority, dial, ...early, tls: { ...trustOf(endpoint, options), ...pair } };
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

/** A connection says nothing yet: that it opens shows in an answer, and what fails is dialled once more. */
function earlyDialTo(
  name: string,
  endpoint: Endpoint,
  { tunnelDialEarly, reachability }: ClusterTransportsOptions,
): Dial | undefined {
  if (endpoint.kind === "const" || tunnelDialEarly === undefined) return undefined;
  return async (signal) => {
    try {
      return await tunnelDialEarly(name, tunnelPort, signal);
    } catch (error) {
      reachability.missed(name, describeError(error));
      throw error;
    }
  };
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
