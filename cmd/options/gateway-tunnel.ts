import { createTunnelEndpoints, type TunnelDial } from "#gateway";
import type { KubeClient } from "#kube";
import type { Logger, Metrics, Runnable } from "#runtime";
import { createTunnelClient, loadTlsFiles, type TlsSource } from "#tunnel";
import { type Flag, type FlagValues, UsageError } from "./flags.ts";

/** How the gateway reaches the tunnel servers. */
export const tunnelFlags = {
  "proxy-host": {
    type: "string",
    default: "",
    help: "Host of the tunnel servers, which their certificate names; clusters behind a tunnel cannot be reached when empty",
  },
  "proxy-port": { type: "int", default: 8090, help: "Port of the tunnel servers for clients" },
  "proxy-service": {
    type: "string",
    default: "",
    help: "Their Service as NAMESPACE/NAME: its EndpointSlices tell where each of them is; the host is looked up when empty",
  },
  "proxy-ca-cert": { type: "string", default: "", help: "CA of the tunnel servers, PEM" },
  "proxy-cert": { type: "string", default: "", help: "Client certificate for the tunnel, PEM" },
  "proxy-key": { type: "string", default: "", help: "Its private key, PEM" },
} as const satisfies Readonly<Record<string, Flag>>;

type Values = FlagValues<typeof tunnelFlags>;

/** The way into the tunnel, and what keeps it open. */
export interface Tunnel {
  readonly dial: TunnelDial;
  readonly dialEarly: TunnelDial;
  readonly runnables: readonly Runnable[];
}

/** Where the tunnel servers are, and what to show them. */
export interface TunnelServers {
  /** Which their certificates name. */
  readonly host: string;
  readonly port: number;
  /** As the flag `--proxy-service` has it. */
  readonly service: string;
  readonly tls: TlsSource;
}

interface Deps {
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** As the port of the Service is called. */
const portName = "proxy-server";

/** Throws a UsageError for flags that do not fit together. */
export async function openTunnel(
  values: Values,
  client: KubeClient,
  deps: Deps,
): Promise<Partial<Tunnel> & Pick<Tunnel, "runnables">> {
  const host = values["proxy-host"];
  if (host === "") return { runnables: [] };
  const files = {
    caFile: required(values, "proxy-ca-cert"),
    certFile: required(values, "proxy-cert"),
    keyFile: required(values, "proxy-key"),
  };
  const tls = await loadTlsFiles(files, { log: deps.log });
  const servers = { host, port: values["proxy-port"], service: values["proxy-service"], tls };
  const tunnel = openTunnelTo(servers, client, deps);
  return { ...tunnel, runnables: [tls, ...tunnel.runnables] };
}

/** Throws a UsageError for what names no Service. */
export function openTunnelTo(
  { host, port, service, tls }: TunnelServers,
  client: KubeClient,
  { metrics, log }: Deps,
): Tunnel {
  const named = parseService(service);
  const addresses = named && createTunnelEndpoints(client, { ...named, portName, log });
  const servers = [`${host}:${port}`];
  const tunnel = createTunnelClient({ servers, addresses, tls, serverName: host, metrics, log });
  return {
    dial: (name, targetPort, signal) => tunnel.dial(name, targetPort, signal),
    dialEarly: (name, targetPort, signal) => tunnel.dialEarly(name, targetPort, signal),
    runnables: [tunnel, ...(addresses === undefined ? [] : [addresses])],
  };
}

/** Throws a UsageError for anything but `NAMESPACE/NAME` or nothing. */
export function parseService(
  text: string,
): { readonly namespace: string; readonly service: string } | undefined {
  if (text === "") return undefined;
  const [, namespace, service] = /^([-a-z0-9]+)\/([-a-z0-9]+)$/.exec(text) ?? [];
  if (namespace !== undefined && service !== undefined) return { namespace, service };
  throw new UsageError(`Cannot use --proxy-service=${text}: expected NAMESPACE/NAME`);
}

function required(values: Values, flag: keyof Values): string {
  const value = values[flag];
  if (typeof value === "string" && value !== "") return value;
  throw new UsageError(`Cannot start without --${flag}`);
}
