import { parseTokenReviewStatus, tokenReviews } from "#api";
import { createKubeClient, createPresence, type KubeClient } from "#kube";
import type { Logger, Metrics, Runnable } from "#runtime";
import { type AuthorizeAgent, type JudgeToken, tokenIdentity } from "#tunnel";
import { hasTokenAuthentication } from "./check-tunnel-server.ts";
import { parseLabels } from "./label-set.ts";
import { countServerLeases } from "./lease-metrics.ts";
import type { TunnelServerValues as Values } from "./tunnel-server-flags.ts";

const reviewTimeoutMs = 10_000;

/** The client for what needs a Kubernetes API; `undefined` where nothing does. */
export async function hubClient(values: Values): Promise<KubeClient | undefined> {
  if (!hasTokenAuthentication(values) && !values["enable-lease-controller"]) return undefined;
  const { kubeconfig } = values;
  const userAgent = "spokeway-tunnel-server";
  const environment = process.env;
  return createKubeClient({ kubeconfig: kubeconfig || undefined, environment, userAgent });
}

/** Agents are whoever the API server says their tokens are. */
export function tokenAuthorizer(values: Values, client: KubeClient): AuthorizeAgent {
  const account = {
    namespace: values["agent-namespace"],
    serviceAccount: values["agent-service-account"],
  };
  return tokenIdentity(account, judgeWith(client, values["authentication-audience"]));
}

function judgeWith(client: KubeClient, audience: string): JudgeToken {
  return async (token) => {
    const review = { metadata: { name: "" }, spec: { token, audiences: [audience] } };
    const signal = AbortSignal.timeout(reviewTimeoutMs);
    const status = parseTokenReviewStatus(await client.create(tokenReviews, review, signal));
    return {
      isAuthenticated: status.authenticated,
      username: status.user?.username ?? "",
      error: status.error,
    };
  };
}

/** The Lease by which agents count this server, where it is to have one. */
export function serverLease(
  values: Values,
  serverId: string,
  hub: { readonly client: KubeClient; readonly metrics: Metrics; readonly log: Logger },
): readonly Runnable[] {
  if (!values["enable-lease-controller"]) return [];
  const { client, culled } = countServerLeases(hub.client, hub.metrics);
  return [
    createPresence(client, {
      name: `konnectivity-proxy-server-${serverId}`,
      namespace: values["lease-namespace"],
      labels: parseLabels("lease-label", values["lease-label"]),
      holderIdentity: serverId,
      onCulled: culled,
      log: hub.log,
    }),
  ];
}
