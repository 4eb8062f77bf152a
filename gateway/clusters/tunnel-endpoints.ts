import { type EndpointSlice, endpointSlices } from "#api";
import { createObjectCache, type KubeClient } from "#kube";
import type { Logger, Runnable } from "#runtime";
import type { ServerAddresses } from "#tunnel";

export interface TunnelEndpointsOptions {
  /** The Service of the tunnel servers. */
  readonly namespace: string;
  readonly service: string;
  /** The name of its port for front ends. */
  readonly portName: string;
  readonly log: Logger;
}

/**
 * Where the tunnel servers are, by the EndpointSlices of their Service: each of them, and at once
 * when one comes or goes.
 */
export function createTunnelEndpoints(
  client: KubeClient,
  { namespace, service, portName, log }: TunnelEndpointsOptions,
): ServerAddresses & Runnable {
  const labelSelector = `kubernetes.io/service-name=${service}`;
  const cache = createObjectCache(client, endpointSlices, { namespace, labelSelector, log });
  const listeners = new Set<() => void>();
  const tell = () => {
    for (const listener of listeners) listener();
  };
  return {
    name: "tunnel-endpoints",
    get current() {
      return cache.isSynced ? addressesOf(cache.list(), portName) : undefined;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async run(signal) {
      const unsubscribe = cache.onChange(tell);
      // A list without any slice changes nothing, and is an answer all the same.
      cache.waitForSync(signal).then(tell, () => undefined);
      await cache.run(signal).finally(unsubscribe);
    },
  };
}

/**
 * `host:port` of all that serve, in order, those included that are about to end: they say so
 * themselves, and connections through them go on.
 */
export function addressesOf(slices: readonly EndpointSlice[], portName: string): readonly string[] {
  const all = slices.flatMap(({ ports, endpoints }) => {
    const port = ports?.find(({ name }) => name === portName)?.port;
    if (port === undefined) return [];
    return (endpoints ?? [])
      .filter(({ conditions }) => conditions?.serving ?? conditions?.ready ?? true)
      .flatMap(({ addresses: [address] }) => (address === undefined ? [] : [join(address, port)]));
  });
  return [...new Set(all)].toSorted();
}

function join(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
