import {
  type KubeObject,
  type ManagedServiceAccount,
  type ResourceType,
  serviceAccounts,
} from "#api";
import type { EventRecorder } from "#kube";

/** What people are told of an account's token, in Events. */
export interface TokenEvents {
  refreshed(account: ManagedServiceAccount, message: string): Promise<void>;
  failed(account: ManagedServiceAccount, message: string): Promise<void>;
}

export interface TokenEventsOptions {
  readonly accountType: ResourceType<ManagedServiceAccount>;
  /** Records on the hub, where the right to it may be missing. */
  readonly hub: EventRecorder;
  /** Records on the managed cluster. */
  readonly managed: EventRecorder;
  readonly serviceAccount: (name: string) => KubeObject | undefined;
}

/** Tells the account on the hub, and the ServiceAccount on the managed cluster. */
export function createTokenEvents(options: TokenEventsOptions): TokenEvents {
  const tell = async (
    account: ManagedServiceAccount,
    event: Parameters<EventRecorder["record"]>[2],
  ): Promise<void> => {
    await options.hub.record(options.accountType, account, event);
    const { name } = account.metadata;
    const serviceAccount = options.serviceAccount(name);
    if (serviceAccount === undefined) return;
    await options.managed.record(serviceAccounts, serviceAccount, event);
  };
  return {
    refreshed: (account, message) => tell(account, { reason: "TokenRefreshed", message }),
    failed: (account, message) =>
      tell(account, { type: "Warning", reason: "TokenRefreshFailed", message }),
  };
}
