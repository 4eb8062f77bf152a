import { hash } from "node:crypto";
import type { Duplex } from "node:stream";
import type { ServiceTarget } from "#api";
import type { ClusterAccess } from "#kube";
import { createTransport, createTransportPool, type Transport } from "#proxy";
import { dialAllowed } from "#tunnel";

export interface UpstreamsOptions {
  /** The managed API server, with the agent's own credential. */
  readonly access: ClusterAccess;
  /** Connects to `host:port` of a Service, if the agent may. */
  readonly dialService: (address: string, signal: AbortSignal) => Promise<Duplex>;
  /** Further authorities of Services' certificates, PEM. */
  readonly additionalCa: () => Buffer | undefined;
}

/** The managed API server at this moment. */
export interface ApiUpstream {
  readonly transport: () => Transport;
  /** The agent's own token, if that is how it logs in. */
  readonly ownToken: string | undefined;
}

/** Kept connections to what is behind the service proxy. */
export interface Upstreams {
  api(): Promise<ApiUpstream>;
  /** `isGrpc` asks for HTTP/2, where no TLS handshake would tell. */
  service(target: ServiceTarget, isGrpc: boolean): Promise<() => Transport>;
  destroy(): void;
}

/** Services whose connections are kept at once; the one that was used least lately goes first. */
const maxServices = 256;

/** Makes an empty set. */
export function createUpstreams(options: UpstreamsOptions): Upstreams {
  const pool = createTransportPool();
  const used = new Set<string>();
  const touch = (key: string) => {
    used.delete(key);
    used.add(key);
    const [oldest] = used;
    if (used.size <= maxServices || oldest === undefined) return;
    used.delete(oldest);
    pool.close(oldest);
  };
  return {
    async api() {
      const { server } = options.access;
      const { headers, servername } = await options.access.requestOptions();
      const ca = await options.access.caBundle();
      const url = new URL(server);
      const fingerprint = hash("sha256", `${server} ${servername} ${ca?.toString()}`);
      const transport = () => pool.get("api", fingerprint, () => apiTransport(url, servername, ca));
      return { transport, ownToken: tokenIn(headers) };
    },
    async service(target, isGrpc) {
      const ca = await trusted(options);
      const key = `${target.scheme} ${hostOf(target)}:${target.port} ${isGrpc ? "grpc" : ""}`;
      touch(key);
      return () =>
        pool.get(key, hash("sha256", ca), () =>
          serviceTransport(target, { isGrpc, ca, dialService: options.dialService }),
        );
    },
    destroy: () => pool.destroy(),
  };
}

function apiTransport(url: URL, servername: string | undefined, ca: Buffer | undefined): Transport {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const address = url.port === "" ? `${url.hostname}:443` : url.host;
  return createTransport({
    authority: url.host,
    // Where the agent's own API server is, nobody else has chosen.
    dial: (signal) => dialAllowed(address, () => undefined, signal),
    tls: { serverName: servername ?? host, ...(ca === undefined ? {} : { ca: ca.toString() }) },
  });
}

interface ServiceSettings extends Pick<UpstreamsOptions, "dialService"> {
  readonly isGrpc: boolean;
  readonly ca: string;
}

function serviceTransport(target: ServiceTarget, { isGrpc, ca, dialService }: ServiceSettings) {
  const { scheme, port } = target;
  const host = hostOf(target);
  return createTransport({
    authority: port === (scheme === "http" ? 80 : 443) ? host : `${host}:${port}`,
    dial: (signal) => dialService(`${host}:${port}`, signal),
    ...(scheme === "http"
      ? { plainProtocol: isGrpc ? ("h2" as const) : ("http/1.1" as const) }
      : { tls: { serverName: host, ca } }),
  });
}

/** The resolver of a pod completes it with the domain of the cluster. */
function hostOf({ name, namespace }: ServiceTarget): string {
  return `${name}.${namespace}.svc`;
}

/** Who may vouch for Services: nobody but the cluster and whom its administrator named. */
async function trusted({ access, additionalCa }: UpstreamsOptions): Promise<string> {
  const own = (await access.caBundle()) ?? Buffer.alloc(0);
  return [own, additionalCa() ?? ""].map(String).join("\n");
}

function tokenIn(headers: unknown): string | undefined {
  const { Authorization: value = "" } = (headers ?? {}) as { readonly Authorization?: string };
  return /^Bearer (\S+)$/.exec(value)?.[1];
}
