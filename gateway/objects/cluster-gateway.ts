import { apiVersionOf, type ClusterGateway, clusterGateways, endpointTypes } from "#api";
import type { Cluster, Endpoint } from "../clusters/cluster.ts";

/**
 * A cluster as the API shows it. Built field by field from what may be seen: a credential has no
 * way into it.
 */
export function clusterGatewayOf(cluster: Cluster): ClusterGateway {
  const { name, creationTimestamp, resourceVersion, healthyReason } = cluster;
  return {
    apiVersion: apiVersionOf(clusterGateways),
    kind: clusterGateways.kind,
    metadata: {
      name,
      resourceVersion,
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    },
    spec: {
      provider: "",
      access: {
        endpoint: endpointOf(cluster.endpoint),
        credential: { type: cluster.credentialType },
      },
    },
    status: {
      healthy: cluster.isHealthy,
      ...(healthyReason === undefined || healthyReason === "" ? {} : { healthyReason }),
    },
  };
}

function endpointOf(endpoint: Endpoint): ClusterGateway["spec"]["access"]["endpoint"] {
  if (endpoint.kind === "tunnel") return { type: endpointTypes.clusterProxy };
  const { url, ca, isInsecure, proxyUrl } = endpoint;
  return {
    type: endpointTypes.const,
    const: {
      address: withoutUserInfo(url),
      ...(ca === undefined ? {} : { caBundle: Buffer.from(ca).toString("base64") }),
      ...(isInsecure ? { insecure: true } : {}),
      ...(proxyUrl === undefined ? {} : { "proxy-url": withoutUserInfo(proxyUrl) }),
    },
  };
}

/** An address may carry a password, which is a credential like any other. */
function withoutUserInfo(url: URL): string {
  const shown = new URL(url);
  shown.username = "";
  shown.password = "";
  return shown.href.replace(/\/$/, "");
}
