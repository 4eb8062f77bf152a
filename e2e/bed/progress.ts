/** Tells a person what is going on, with the time since the beginning on every line. */
export interface Progress {
  say(message: string): void;
  /** Says when `work` is done and how long it took, and that it still goes on meanwhile. */
  step<T>(name: string, work: () => Promise<T>): Promise<T>;
}

const heartbeatMs = 20_000;

/** A progress that writes lines; `now` is in milliseconds. */
export function createProgress(
  write: (line: string) => void,
  now: () => number = () => performance.now(),
): Progress {
  const startMs = now();
  const say = (message: string): void => write(`${formatElapsed(now() - startMs)}  ${message}\n`);
  return {
    say,
    async step(name, work) {
      const beganMs = now();
      const took = (): string => formatElapsed(now() - beganMs).trim();
      const heartbeat = setInterval(() => say(`${name} … ${took()} so far`), heartbeatMs);
      try {
        const result = await work();
        say(`${name}: done in ${took()}`);
        return result;
      } finally {
        clearInterval(heartbeat);
      }
    },
  };
}

/** A progress that says nothing, for tests. */
export const silentProgress: Progress = {
  say: () => undefined,
  step: async (_name, work) => work(),
};

/** `  12.3 s`, or `4 m 05 s` past two minutes; always nine characters or more. */
export function formatElapsed(elapsedMs: number): string {
  const seconds = elapsedMs / 1000;
  if (seconds < 120) return `${seconds.toFixed(1)} s`.padStart(9);
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)} m ${String(whole % 60).padStart(2, "0")} s`.padStart(9);
}
