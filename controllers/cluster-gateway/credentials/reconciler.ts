import { type AddonVersion, type KubeObject, secrets } from "#api";
import {
  ignoreNotFound,
  isApiError,
  type KubeClient,
  type ObjectCache,
  type Outcome,
  type Reconciler,
  recheckAfter,
  settled,
} from "#kube";
import type { Logger } from "#runtime";
import { gather, unparsed } from "./gather.ts";
import { type Action, plan } from "./plan.ts";

const fieldManager = "spokeway-cluster-gateway";

export interface CredentialPorts {
  readonly client: KubeClient;
  readonly version: AddonVersion;
  /** The cluster-gateway addons of all clusters. */
  readonly addons: ObjectCache<KubeObject>;
  /** The configuration of the gateway; undefined when there is none. */
  readonly configuration: () => KubeObject | undefined;
  readonly log: Logger;
}

/**
 * Keeps, for each cluster with the addon, an account on the cluster and the Secret with which the
 * gateway reaches it. The key is the cluster's name.
 */
export function createCredentialReconciler(ports: CredentialPorts): Reconciler<string> {
  const { client, version, addons, configuration } = ports;
  return {
    name: "gateway-credentials",
    async reconcile(cluster, signal) {
      const present = configuration();
      if (present === undefined) return settled;
      const snapshot = await gather(client, addons, present, cluster, signal);
      let outcome: Outcome = settled;
      for (const action of plan(snapshot, version)) {
        outcome = await perform(ports, cluster, action, signal);
      }
      return outcome;
    },
  };
}

async function perform(
  { client, log }: CredentialPorts,
  cluster: string,
  action: Action,
  signal: AbortSignal,
): Promise<Outcome> {
  switch (action.kind) {
    case "createAccount":
      return createAccount(client, action.object, signal);
    case "applyCredential":
      await client.apply(secrets, action.secret, signal, { fieldManager });
      log.info("Gave the gateway a credential", { cluster });
      return settled;
    case "deleteCredential":
      await ignoreNotFound(client.delete(secrets, action.secret.metadata, signal));
      log.info("Took the gateway's credential away", { cluster });
      return settled;
    case "keepForeign":
      log.debug("Secret of the gateway is not ours", { cluster });
      return settled;
  }
}

/** How long to wait for the managed-serviceaccount addon to be installed. */
const kindRecheckMs = 5_000;

async function createAccount(
  client: KubeClient,
  object: KubeObject,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    await client.create(unparsed, object, signal);
    return settled;
  } catch (error) {
    if (isApiError(error, "already_exists")) return settled;
    // Its kind is not installed, and no watch tells when it is.
    if (isApiError(error, "not_found")) return recheckAfter(kindRecheckMs);
    throw error;
  }
}
