import { createTunnelEndpoints, type TunnelDial } from "#gateway";
import type { KubeClient } from "#kube";
import type { Logger, Metrics, Runnable } from "#runtime";
import { createTunnelClient, loadTlsFiles } from "#tunnel";
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
  readonly dial: TunnelDial | undefined;
  readonly dialEarly: TunnelDial | undefined;
  readonly runnables: readonly Runnable[];
}

/** As the port of the Service is called. */
const portName = "proxy-server";

/** Throws a UsageError for flags that do not fit together. */
export async function openTunnel(
  values: Values,
  client: KubeClient,
  { metrics, log }: { readonly metrics: Metrics; readonly log: Logger },
): Promise<Tunnel> {
  const host = values["proxy-host"];
  if (host === "") return { dial: undefined, dialEarly: undefined, runnables: [] };
  const files = {
    caFile: required(values, "proxy-ca-cert"),
    certFile: required(values, "proxy-cert"),
    keyFile: required(values, "proxy-key"),
  };
  const service = parseService(values["proxy-service"]);
  const addresses = service && createTunnelEndpoints(client, { ...service, portName, log });
  const tls = await loadTlsFiles(files, { log });
  const servers = [`${host}:${values["proxy-port"]}`];
  const tunnel = createTunnelClient({ servers, addresses, tls, serverName: host, metrics, log });
  return {
    dial: (name, port, signal) => tunnel.dial(name, port, signal),
    dialEarly: (name, port, signal) => tunnel.dialEarly(name, port, signal),
    runnables: [tls, tunnel, ...(addresses === undefined ? [] : [addresses])],
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
