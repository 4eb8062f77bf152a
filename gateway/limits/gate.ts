/** Why somebody did not get through. */
export type Refusal = "full" | "waited_too_long" | "left";

export interface GateOptions {
  /** How many may be inside at once. */
  readonly capacity: number;
  /** How many may wait. */
  readonly queue: number;
  /** How long one waits at most, in milliseconds. */
  readonly maxWaitMs: number;
}

/** Lets a limited number in at once; some wait, first come first served, the rest are refused. */
export interface Gate {
  /** `undefined` when there was room at once, so that the usual case costs no wait. */
  enter(onGone: (listener: () => void) => void): undefined | Refusal | Promise<undefined | Refusal>;
  leave(): void;
  readonly inside: number;
  readonly waiting: number;
}

interface Waiter {
  readonly settle: (refusal: Refusal | undefined) => void;
}

/** Makes an empty one. */
export function createGate({ capacity, queue, maxWaitMs }: GateOptions): Gate {
  const waiters = new Set<Waiter>();
  let inside = 0;
  const wait = (onGone: (listener: () => void) => void): Promise<undefined | Refusal> => {
    const { promise, resolve } = Promise.withResolvers<undefined | Refusal>();
    const waiter: Waiter = {
      settle(refusal) {
        if (!waiters.delete(waiter)) return;
        clearTimeout(timer);
        resolve(refusal);
      },
    };
    const timer = setTimeout(() => waiter.settle("waited_too_long"), maxWaitMs);
    waiters.add(waiter);
    onGone(() => waiter.settle("left"));
    return promise;
  };
  return {
    get inside() {
      return inside;
    },
    get waiting() {
      return waiters.size;
    },
    enter(onGone) {
      if (inside < capacity) {
        inside += 1;
        return undefined;
      }
      return waiters.size < queue ? wait(onGone) : "full";
    },
    leave() {
      const [next] = waiters;
      // Who waited takes the place, so that nobody who comes now overtakes him.
      if (next === undefined) inside -= 1;
      else next.settle(undefined);
    },
  };
}
