import {
  type AccountOutputReason,
  type ApiService,
  type ClusterGatewayLayout,
  clusterProxyPath,
  defaultClusterGatewayLayout,
  type ManagedCluster,
  type OutputVia,
  accountOutputReasons as reasons,
} from "#api";

/** How a client that holds an account's token reaches the API server of the account's cluster. */
export interface Reach {
  /** Base URL. Its path, if any, comes before every path of the managed cluster. */
  readonly server: string;
  /** What the server's certificate must chain to: base64 of PEM; undefined for the system's own list. */
  readonly caData?: string;
  /** The name in that certificate where it is not the host of `server`. */
  readonly tlsServerName?: string;
}

/** All that is known about the ways to one cluster. */
export interface ReachFacts {
  readonly cluster: string;
  /** Undefined when the hub knows no cluster of that name. */
  readonly managedCluster: ManagedCluster | undefined;
  /** Undefined when the hub has no gateway. */
  readonly gateway: GatewayDoor | undefined;
}

export type ReachVerdict =
  | { readonly kind: "reachable"; readonly reach: Reach }
  | {
      readonly kind: "unreachable";
      readonly reason: AccountOutputReason;
      readonly message: string;
    };

/** The gateway's own port, which takes tokens of managed clusters; the hub's API server would not. */
export interface GatewayDoor
  extends Required<Pick<Reach, "server" | "caData">>,
    Pick<Reach, "tlsServerName"> {
  /** Group and version in which the gateway serves clusters there. */
  readonly apiVersion: string;
}

/**
 * Finds the gateway's door in its registration as an API of the hub. `address`, the URL at which
 * clients outside of the hub's network reach that port, replaces the Service's own.
 */
export function gatewayDoorOf(
  { apiVersion }: Pick<ClusterGatewayLayout, "apiVersion">,
  registration: ApiService | undefined,
  address: string,
): GatewayDoor | undefined {
  const { service, caBundle } = registration?.spec ?? {};
  if (service === undefined || caBundle === undefined || caBundle === "") return undefined;
  const host = `${service.name}.${service.namespace}.svc`;
  const door = { apiVersion, caData: caBundle };
  if (address === "") return { ...door, server: `https://${host}:${service.port ?? 443}` };
  return { ...door, server: address.replace(/\/+$/, ""), tlsServerName: host };
}

/** Says how a client gets there, or what is missing for it and how to supply that. */
export function reachOf(via: OutputVia, facts: ReachFacts): ReachVerdict {
  return via === "Gateway" ? throughGateway(facts) : direct(facts);
}

function throughGateway({ cluster, gateway }: ReachFacts): ReachVerdict {
  if (gateway === undefined) {
    const message = `The hub has no gateway: there is no APIService ${defaultClusterGatewayLayout.apiServiceName} with a Service and a caBundle. Install the addon cluster-gateway, or use via: Direct`;
    return { kind: "unreachable", reason: reasons.gatewayMissing, message };
  }
  const { apiVersion, ...door } = gateway;
  const server = door.server + clusterProxyPath({ apiVersion }, cluster);
  return { kind: "reachable", reach: { ...door, server } };
}

function direct({ cluster, managedCluster }: ReachFacts): ReachVerdict {
  const configs = managedCluster?.spec.managedClusterClientConfigs ?? [];
  const found = configs.find(({ url }) => URL.parse(url)?.protocol === "https:");
  if (found === undefined) {
    const given = configs.map(({ url }) => url).join(", ") || "none";
    const message = `ManagedCluster ${cluster} has no https URL in spec.managedClusterClientConfigs (${given}). Set one in the Klusterlet of the cluster, or use via: Gateway`;
    return { kind: "unreachable", reason: reasons.endpointUnknown, message };
  }
  const server = found.url.replace(/\/+$/, "");
  const { caBundle } = found;
  const reach = caBundle ? { server, caData: caBundle } : { server };
  return { kind: "reachable", reach };
}
