import { describeError, isAbortError } from "#runtime";

/**
 * Performs each action, in order. One that fails does not keep the others waiting: the first
 * failure is answered when all have been tried. Throws only when `signal` aborts.
 */
export async function carryOut<Action>(
  actions: readonly Action[],
  perform: (action: Action) => Promise<void>,
  signal: AbortSignal,
): Promise<Error | undefined> {
  let failure: Error | undefined;
  for (const action of actions) {
    try {
      await perform(action);
    } catch (error) {
      if (isAbortError(error, signal)) throw error;
      failure ??= error instanceof Error ? error : new Error(describeError(error));
    }
  }
  return failure;
}
