import { accountOutputKinds, configMaps, type ResourceType, secrets } from "#api";
import { ignoreNotFound, type KubeClient } from "#kube";
import type { OutputAction } from "./plan.ts";
import type { Place } from "./snapshot.ts";

/** Carries out one action. Throws a conflict when another was faster. */
export async function perform(
  client: KubeClient,
  action: OutputAction,
  signal: AbortSignal,
): Promise<void> {
  const type = typeOf(action.place);
  if (action.kind === "remove") {
    const { uid } = action.metadata;
    await ignoreNotFound(client.delete(type, action.place, signal, { uid }));
    return;
  }
  if (action.isNew) await client.create(type, action.object, signal);
  else await client.replace(type, action.object, signal);
}

function typeOf({ kind }: Place): ResourceType {
  return kind === accountOutputKinds.gatewayPass ? configMaps : secrets;
}
