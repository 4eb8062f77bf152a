import { type ApiService, apiServices, clusterGatewayLayouts } from "#api";
import { createObjectCache, type KubeClient, type ObjectCache } from "#kube";
import type { Logger } from "#runtime";
import { type GatewayDoor, gatewayDoorOf } from "./reach.ts";

/** The gateway's registration as an API of the hub, in whichever of its groups it is. */
export interface GatewayRegistrations {
  readonly caches: readonly ObjectCache<ApiService>[];
  /** The gateway's door as clients reach it at `address`; undefined without a gateway. */
  doorAt(address: string): GatewayDoor | undefined;
}

/** Makes the caches, to be run: one for each name, since nobody needs rights on all APIServices. */
export function createGatewayRegistrations(client: KubeClient, log: Logger): GatewayRegistrations {
  const registrations = Object.values(clusterGatewayLayouts).map((layout) => {
    const fieldSelector = `metadata.name=${layout.apiServiceName}`;
    const cache = createObjectCache<ApiService>(client, apiServices, { fieldSelector, log });
    return { layout, cache };
  });
  return {
    caches: registrations.map(({ cache }) => cache),
    doorAt(address) {
      for (const { layout, cache } of registrations) {
        const door = gatewayDoorOf(layout, cache.get(layout.apiServiceName), address);
        if (door !== undefined) return door;
      }
      return undefined;
    },
  };
}
