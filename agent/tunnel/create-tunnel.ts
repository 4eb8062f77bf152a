import { addonNames, leases, pods } from "#api";
import { createObjectCache, type KubeClient, openPortForward } from "#kube";
import { type Logger, outlive, type Runnable } from "#runtime";
import { createTunnelAgent, type TunnelAgent, type TunnelAgentOptions } from "#tunnel";
import { createAddonLease } from "../addon-lease.ts";
import { createPortForwardProxy } from "./port-forward-proxy.ts";
import { countValidLeases } from "./server-leases.ts";
import { serverPodSelector } from "./server-pods.ts";

export interface ManagedTunnelOptions {
  readonly agent: Omit<TunnelAgentOptions, "countLeases">;
  readonly log: Logger;
  /** Connect through the hub's API server instead of to an address of the tunnel servers. */
  readonly portForward?: {
    /** With the addon's hub kubeconfig. */
    readonly hub: KubeClient;
    /** Where the tunnel server pods are. */
    readonly namespace: string;
    /** The port of those pods that agents connect to. */
    readonly podPort: number;
    /** The port of the loopback address that stands for it, which the agent is told to dial. */
    readonly localPort: number;
  };
  /** Tell the klusterlet that the addon works, by a Lease in this namespace. */
  readonly lease?: { readonly spoke: KubeClient; readonly namespace: string };
  /** Learn the number of tunnel servers from their Leases. */
  readonly serverLeases?: {
    readonly client: KubeClient;
    readonly namespace: string;
    readonly labelSelector: string;
  };
}

/** Not `localhost`, which may be an IPv6 address that no certificate names. */
const loopback = "127.0.0.1";

export interface ManagedTunnel {
  readonly agent: TunnelAgent;
  readonly runnables: readonly Runnable[];
}

/** All that `agent tunnel` runs on a managed cluster, apart from its health endpoints. */
export function createManagedTunnel(options: ManagedTunnelOptions): ManagedTunnel {
  const support: Runnable[] = [];
  const countLeases = leaseCounter(options, support);
  const agent = createTunnelAgent({
    ...options.agent,
    ...(countLeases !== undefined && { countLeases }),
  });
  addPortForward(options, agent, support);
  const main = support.length === 0 ? agent : outlive(support, agent);
  return { agent, runnables: [main, ...addonLease(options, agent)] };
}

function leaseCounter(
  { serverLeases, log }: ManagedTunnelOptions,
  support: Runnable[],
): (() => number) | undefined {
  if (serverLeases === undefined) return undefined;
  const { client, namespace, labelSelector } = serverLeases;
  const cache = createObjectCache(client, leases, { namespace, labelSelector, log });
  support.push(cache);
  return () => countValidLeases(cache.list(), Date.now());
}

function addPortForward(
  { portForward, log }: ManagedTunnelOptions,
  agent: TunnelAgent,
  support: Runnable[],
): void {
  if (portForward === undefined) return;
  const { hub, namespace, podPort, localPort } = portForward;
  const cache = createObjectCache(hub, pods, { namespace, labelSelector: serverPodSelector, log });
  const proxy = createPortForwardProxy(
    {
      pods: cache,
      connected: () => agent.connectedServers,
      open: (pod, signal) => openPortForward(hub, { namespace, pod, port: podPort }, signal),
      log,
    },
    { host: loopback, port: localPort },
  );
  support.push(cache, proxy);
}

/** No tunnel, no lease: the klusterlet shall not call a cluster reachable that is not. */
function addonLease({ lease, log }: ManagedTunnelOptions, agent: TunnelAgent): readonly Runnable[] {
  if (lease === undefined) return [];
  return [
    createAddonLease({
      client: lease.spoke,
      addon: addonNames.clusterProxy,
      namespace: lease.namespace,
      checks: { tunnel: () => agent.reasonNotReady() },
      log,
      retryMs: 1000,
    }),
  ];
}
