import type { ResourceType } from "#api";
import { firstServed } from "#kube";
import { backoffDelays, type Runnable, retry, runAll, sleep } from "#runtime";
import type { ControllerDeps } from "./addon/addon.ts";

/**
 * What can only run once the hub serves a kind, of which the first served of `types` is used. Until
 * then there is nothing to do, and nothing else waits for it.
 */
export function whenServed<Type extends ResourceType>(
  { client, log }: Pick<ControllerDeps, "client" | "log">,
  name: string,
  types: readonly Type[],
  create: (type: Type) => readonly Runnable[],
): Runnable {
  return {
    name,
    async run(signal) {
      let isToldOf = false;
      const attempt = async (scope: AbortSignal): Promise<Type> => {
        try {
          return await firstServed(client, types, scope);
        } catch (error) {
          if (!isToldOf) log.info("Waiting for a kind that the hub does not serve", { for: name });
          isToldOf = true;
          throw error;
        }
      };
      const delays = backoffDelays({ minMs: 2_000, maxMs: 60_000, jitter: 0.3 });
      const type = await retry(attempt, delays, () => !signal.aborted, sleep, signal);
      await runAll(create(type), signal);
    },
  };
}
