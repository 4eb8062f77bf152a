import { type ClusterGatewayLayout, clusterProxyPath } from "#api";
import type { KubeClient } from "#kube";
import { describeError } from "#runtime";

/** What one question to a cluster came to. */
export type ProbeResult =
  | { readonly isHealthy: true }
  | { readonly isHealthy: false; readonly message: string };

/** Longest message that goes into a condition. */
const maxMessageChars = 512;

/** Asks a cluster's API server how it is, on the very way that requests of users take. */
export async function probe(
  client: KubeClient,
  layout: ClusterGatewayLayout,
  cluster: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const path = `${clusterProxyPath(layout, cluster)}/healthz`;
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const body = await client.raw(path, AbortSignal.any([signal, deadline]));
    if (body.trim() === "ok") return { isHealthy: true };
    return { isHealthy: false, message: `Answered "${body.slice(0, maxMessageChars)}"` };
  } catch (error) {
    signal.throwIfAborted();
    if (deadline.aborted) return { isHealthy: false, message: `No answer in ${timeoutMs} ms` };
    return { isHealthy: false, message: describeError(error).slice(0, maxMessageChars) };
  }
}
