import { managedServiceAccounts, managedServiceAccountsV1alpha1, policyForCluster } from "#api";
import { createLeaderElection, firstServed } from "#kube";
import {
  backoffDelays,
  type Check,
  describeError,
  type Runnable,
  retry,
  runAll,
  sleep,
} from "#runtime";
import type { TokenAgentOptions } from "./agent-options.ts";
import { createRightsCaches, type RightsCaches } from "./permissions/work.ts";
import { readOwnName } from "./self.ts";
import {
  type Caches,
  componentName,
  createCaches,
  createWork,
  type Start,
  unsynced,
} from "./token-work.ts";

export interface TokenAgent extends Runnable {
  /** Fails until everything that the agent watches is known. */
  readonly ready: Check;
}

/** Keeps a fresh token on the hub for every ManagedServiceAccount of one cluster. */
export function createTokenAgent(given: TokenAgentOptions): TokenAgent {
  // Where OCM brings the agent, every cluster's is told the whole policy.
  const permissionPolicy = policyForCluster(given.permissionPolicy, given.cluster);
  const options = { ...given, permissionPolicy };
  let caches: (Caches & Partial<RightsCaches>) | undefined;
  return {
    name: "token-agent",
    ready() {
      if (caches === undefined) return "the hub or the managed cluster was not reached yet";
      return unsynced(caches);
    },
    async run(signal) {
      const start = await reach(options, signal);
      const known = createCaches(options, start.accountType);
      const rights = createRightsCaches(options);
      caches = { ...known, ...rights };
      const work = createWork(options, start, known, rights);
      const { electionIdentity: identity, managed, namespace, log } = options;
      const lease = { name: componentName, namespace };
      const runnables =
        identity === undefined
          ? work
          : [createLeaderElection(managed, { lease, identity, log }, work)];
      await runAll([...Object.values(caches), ...runnables], signal);
    },
  };
}

/** Asks both clusters what has to be known first, until they answer. */
async function reach(options: TokenAgentOptions, signal: AbortSignal): Promise<Start> {
  const { hub, managed, namespace, log } = options;
  const persist = async <T>(what: string, attempt: (scope: AbortSignal) => Promise<T>) => {
    const noisy = async (scope: AbortSignal): Promise<T> => {
      try {
        return await attempt(scope);
      } catch (error) {
        if (!scope.aborted) log.warn("Cannot start yet", { what, error: describeError(error) });
        throw error;
      }
    };
    const delays = backoffDelays({ minMs: 500, maxMs: 30_000, jitter: 0.3 });
    return retry(noisy, delays, () => !signal.aborted, sleep, signal);
  };
  const versions = [managedServiceAccounts, managedServiceAccountsV1alpha1];
  const [accountType, ownName] = await Promise.all([
    persist("hub", (scope) => firstServed(hub, versions, scope)),
    persist("managed cluster", (scope) => readOwnName(managed, namespace, scope)),
  ]);
  log.info("Reached both clusters", { accountVersion: accountType.version, ownName });
  return { accountType, ownName };
}
