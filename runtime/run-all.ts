import { isAbortError } from "./abort.ts";
import type { Runnable } from "./runnable.ts";

/**
 * Runs all of them until `signal` aborts or one of them ends, then stops and awaits the rest.
 *
 * Ending before being asked to counts as failing. Throws the failure, or an `AggregateError` of
 * several; resolves when everything ended because `signal` aborted.
 */
export async function runAll(runnables: readonly Runnable[], signal: AbortSignal): Promise<void> {
  const group = new AbortController();
  const scope = AbortSignal.any([signal, group.signal]);
  const results = await Promise.allSettled(
    runnables.map((runnable) => supervise(runnable, scope).finally(() => group.abort())),
  );
  const failures = results.flatMap((result) =>
    result.status === "rejected" ? [result.reason as unknown] : [],
  );
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) throw new AggregateError(failures, "Several components failed");
}

async function supervise(runnable: Runnable, scope: AbortSignal): Promise<void> {
  try {
    await runnable.run(scope);
  } catch (error) {
    if (scope.aborted && isAbortError(error, scope)) return;
    throw new Error(`Cannot keep ${runnable.name} running`, { cause: error });
  }
  if (!scope.aborted) throw new Error(`${runnable.name} ended before it was asked to`);
}
