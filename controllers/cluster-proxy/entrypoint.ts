import type { KubeObject, ManagedProxyConfigurationSpec } from "#api";

/** A Service of type LoadBalancer, as far as we read it. */
export interface EntrypointService extends KubeObject {
  readonly status?: {
    readonly loadBalancer?: {
      readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[];
    };
  };
}

/** Where agents dial the tunnel server; undefined while the load balancer has no address. */
export interface Entrypoint {
  readonly host: string;
  readonly port: number;
  /** True when a local listener forwards the connection through the hub's API server. */
  readonly isPortForward: boolean;
}

/** Resolves the entrypoint; `service` is that of the load balancer, if one is asked for. */
export function resolveEntrypoint(
  { proxyServer: { entrypoint } }: ManagedProxyConfigurationSpec,
  service: EntrypointService | undefined,
): Entrypoint | undefined {
  const { type, port } = entrypoint;
  switch (type) {
    case "PortForward":
      return { host: "127.0.0.1", port, isPortForward: true };
    case "Hostname":
      return { host: entrypoint.hostname?.value ?? "", port, isPortForward: false };
    case "LoadBalancerService": {
      const host = addressOf(service);
      return host === "" ? undefined : { host, port, isPortForward: false };
    }
  }
}

function addressOf(service: EntrypointService | undefined): string {
  const ingress = service?.status?.loadBalancer?.ingress?.[0];
  return ingress?.ip ?? ingress?.hostname ?? "";
}
