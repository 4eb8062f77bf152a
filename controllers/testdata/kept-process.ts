import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * A process that is started again when it ends unasked, as the kubelet does: on a busy machine a
 * controller may lose its Lease, and ends then.
 */
export class KeptProcess {
  readonly #start: () => ChildProcess;
  #child: ChildProcess;
  #isWanted = true;

  constructor(start: () => ChildProcess) {
    this.#start = start;
    this.#child = this.#begin();
  }

  #begin(): ChildProcess {
    const child = this.#start();
    child.once("exit", () => void this.#restart());
    return child;
  }

  async #restart(): Promise<void> {
    await sleep(1_000);
    if (this.#isWanted) this.#child = this.#begin();
  }

  /** Ends it for good. */
  async end(signal: NodeJS.Signals): Promise<void> {
    this.#isWanted = false;
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }
}
