import { parseTokenReviewStatus, tokenReviews } from "#api";
import {
  createKubeClient,
  createLiveHolders,
  createPresence,
  type KubeClient,
  type LiveHolders,
  labelSelector,
} from "#kube";
import type { Logger, Metrics, Runnable } from "#runtime";
import { type AuthorizeAgent, type JudgeToken, tokenIdentity } from "#tunnel";
import { hasTokenAuthentication } from "./check-tunnel-server.ts";
import { parseLabels } from "./label-set.ts";
import { countServerLeases } from "./lease-metrics.ts";
import { createOwnPodTeller, type TellOwnPod } from "./own-pod.ts";
import type { TunnelServerValues as Values } from "./tunnel-server-flags.ts";

const reviewTimeoutMs = 10_000;

/** What a tunnel server has of a Kubernetes API. */
export interface Hub {
  readonly tell: TellOwnPod;
  /** Where agents are known by tokens. */
  readonly authorizeAgent: AuthorizeAgent | undefined;
  /** The Lease by which others know of this server, where it is to have one. */
  lease(serverId: string): readonly Runnable[];
  /** The servers that have such Leases. */
  readonly servers: LiveHolders | undefined;
}

/** Throws when the kubeconfig cannot be used. */
export async function connectHub(values: Values, metrics: Metrics, log: Logger): Promise<Hub> {
  const { kubeconfig } = values;
  const userAgent = "spokeway-tunnel-server";
  const client = await createKubeClient(
    kubeconfig === "" ? { userAgent } : { userAgent, kubeconfig },
  );
  return {
    tell: createOwnPodTeller(client, "tunnel-server", log),
    authorizeAgent: hasTokenAuthentication(values) ? tokenAuthorizer(values, client) : undefined,
    lease: (serverId) => serverLease(values, serverId, { client, metrics, log }),
    servers: values["enable-lease-controller"]
      ? createLiveHolders(client, {
          namespace: values["lease-namespace"],
          labelSelector: labelSelector(parseLabels("lease-label", values["lease-label"])),
          log,
        })
      : undefined,
  };
}

/** Agents are whoever the API server says their tokens are. */
function tokenAuthorizer(values: Values, client: KubeClient): AuthorizeAgent {
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

function serverLease(
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
