import type { ManagedServiceAccount, ResourceType } from "#api";
import {
  type FreshView,
  ignoreNotFound,
  type KubeClient,
  type Reconciler,
  recheckAfter,
  settled,
} from "#kube";
import type { Logger } from "#runtime";

export interface TtlPorts {
  readonly hub: KubeClient;
  readonly accountType: ResourceType<ManagedServiceAccount>;
  readonly accounts: Pick<FreshView<ManagedServiceAccount>, "get">;
  readonly now: () => number;
  readonly log: Logger;
}

/** Milliseconds that an account has left; undefined when it lives until somebody deletes it. */
export function remainingMs(account: ManagedServiceAccount, nowMs: number): number | undefined {
  const { ttlSecondsAfterCreation } = account.spec;
  const { creationTimestamp, deletionTimestamp } = account.metadata;
  if (ttlSecondsAfterCreation === undefined || deletionTimestamp !== undefined) return undefined;
  const createdMs = Date.parse(creationTimestamp ?? "");
  if (Number.isNaN(createdMs)) return undefined;
  return createdMs + ttlSecondsAfterCreation * 1000 - nowMs;
}

/** Deletes accounts at the end of their `spec.ttlSecondsAfterCreation`. */
export function createTtlReconciler(ports: TtlPorts): Reconciler<string> {
  return {
    name: "ephemeral-identity",
    async reconcile(key, signal) {
      const account = ports.accounts.get(key);
      const leftMs = account === undefined ? undefined : remainingMs(account, ports.now());
      if (account === undefined || leftMs === undefined) return settled;
      if (leftMs >= 0) return recheckAfter(leftMs + 1);
      const { name, namespace, uid } = account.metadata;
      const target = { name, namespace };
      await ignoreNotFound(ports.hub.delete(ports.accountType, target, signal, { uid }));
      ports.log.info("Account deleted at the end of its life", { account: key });
      return settled;
    },
  };
}
