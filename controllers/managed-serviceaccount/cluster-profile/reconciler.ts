import { type AccessProvider, type ClusterProfile, type ResourceType, secrets } from "#api";
import {
  type EventRecorder,
  ignoreNotFound,
  type KubeClient,
  type Reconciler,
  settled,
} from "#kube";
import type { Logger } from "#runtime";
import { carryOut } from "../../carry-out.ts";
import { hasOurs } from "./access-providers.ts";
import { type GatherPorts, gather } from "./gather.ts";
import { type ProfileAction, planProfile } from "./plan.ts";

export interface ProfilePorts extends GatherPorts {
  readonly client: KubeClient;
  readonly type: ResourceType<ClusterProfile>;
  readonly events: EventRecorder;
  readonly log: Logger;
}

/**
 * Keeps what a ClusterProfile gives its namespace: how to reach the cluster, and copies of the
 * tokens that are shared with it. Keys are `namespace/name`.
 */
export function createProfileReconciler(ports: ProfilePorts): Reconciler<string> {
  return {
    name: "cluster-profile",
    async reconcile(key, signal) {
      const snapshot = await gather(ports, key, signal);
      const { actions, remarks } = planProfile(snapshot);
      const { profile } = snapshot;
      const performOne = (action: ProfileAction) => perform(ports, profile, action, signal);
      const failure = await carryOut(actions, performOne, signal);
      if (profile !== undefined) {
        for (const remark of remarks) await ports.events.record(ports.type, profile, remark);
      }
      if (failure !== undefined) throw failure;
      return settled;
    },
  };
}

async function perform(
  ports: ProfilePorts,
  profile: ClusterProfile | undefined,
  action: ProfileAction,
  signal: AbortSignal,
): Promise<void> {
  const { client, log } = ports;
  if (action.kind === "writeProviders") {
    if (profile !== undefined) await writeProviders(ports, profile, action.providers, signal);
    return;
  }
  const { namespace, name, uid } = action.secret.metadata;
  switch (action.kind) {
    // To create and to replace, never to apply: a Secret that others make meanwhile stays theirs.
    case "create":
      await client.create(secrets, action.secret, signal);
      log.info("Token copied beside a ClusterProfile", { namespace, name });
      return;
    case "replace":
      await client.replace(secrets, action.secret, signal);
      log.info("Copy of a token renewed", { namespace, name });
      return;
    case "delete":
      await ignoreNotFound(client.delete(secrets, { namespace, name }, signal, { uid }));
      log.info("Copy of a token removed", { namespace, name });
  }
}

/** The list is one value to the API server: the version guards what others write meanwhile. */
async function writeProviders(
  { client, type, log }: ProfilePorts,
  { metadata: { namespace, name, resourceVersion } }: ClusterProfile,
  providers: readonly AccessProvider[],
  signal: AbortSignal,
): Promise<void> {
  const accessProviders = providers.length === 0 ? null : providers;
  const patch = { metadata: { resourceVersion }, status: { accessProviders } };
  const options = { subresource: "status" };
  const written = await ignoreNotFound(
    client.mergePatch(type, { namespace, name }, patch, signal, options),
  );
  if (written === undefined) return;
  if (hasOurs(providers) && !hasOurs(written.status.accessProviders)) {
    log.warn("The CRD of ClusterProfiles is too old: it has no status.accessProviders", {});
    return;
  }
  log.info("Access of a ClusterProfile written", { namespace, name, entries: providers.length });
}
