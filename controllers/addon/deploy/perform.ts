import { manifestWorks, roleBindings, roles } from "#api";
import { ignoreNotFound, type KubeClient } from "#kube";
import type { Action } from "./plan.ts";

/** Who owns the fields that we apply. */
export const fieldManager = "spokeway-addon";

/** What could not be done; the status tells it, then it is tried again. */
export interface Outcome {
  readonly permissionError?: unknown;
  readonly workError?: unknown;
}

/**
 * Carries the actions out. Rights and manifests do not wait for each other: one that fails leaves
 * the other be.
 */
export async function perform(
  client: KubeClient,
  actions: readonly Action[],
  signal: AbortSignal,
): Promise<Outcome> {
  const [permissionError, workError] = await Promise.all([
    inOrder(client, actions.filter(isPermission), signal),
    inOrder(
      client,
      actions.filter((action) => !isPermission(action)),
      signal,
    ),
  ]);
  return {
    ...(permissionError === undefined ? {} : { permissionError }),
    ...(workError === undefined ? {} : { workError }),
  };
}

function isPermission({ kind }: Action): boolean {
  return kind === "applyRole" || kind === "applyRoleBinding";
}

async function inOrder(
  client: KubeClient,
  actions: readonly Action[],
  signal: AbortSignal,
): Promise<unknown> {
  try {
    for (const action of actions) await performOne(client, action, signal);
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return error;
  }
}

async function performOne(client: KubeClient, action: Action, signal: AbortSignal): Promise<void> {
  switch (action.kind) {
    case "applyRole":
      await client.apply(roles, action.object, signal, { fieldManager });
      return;
    case "applyRoleBinding":
      await client.apply(roleBindings, action.object, signal, { fieldManager });
      return;
    case "createWork":
      await client.create(manifestWorks, action.work, signal);
      return;
    case "replaceWork":
      await client.replace(manifestWorks, action.work, signal);
      return;
    case "deleteWork":
      await ignoreNotFound(client.delete(manifestWorks, action.work.metadata, signal));
  }
}
