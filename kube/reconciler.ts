/** What the queue does with a key after a reconcile that did not throw. */
export type Outcome =
  | { readonly kind: "settled" }
  | { readonly kind: "recheck"; readonly afterMs: number };

export const settled: Outcome = { kind: "settled" };

/** Looks at the key again after `afterMs`, or earlier when something changes. */
export function recheckAfter(afterMs: number): Outcome {
  return { kind: "recheck", afterMs };
}

/**
 * Drives the world towards what one object asks for.
 *
 * Level-triggered: it learns which object to look at, never what happened to it, and may run at
 * any time, any number of times. To throw is to ask for another try with backoff; to throw a
 * `TerminalError` is to ask for none until the object changes.
 */
export interface Reconciler<Key> {
  readonly name: string;
  reconcile(key: Key, signal: AbortSignal): Promise<Outcome>;
}
