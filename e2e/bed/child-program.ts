import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { BedError } from "./bed-error.ts";

const shownLength = 2_000;

/** One of our programs under test, as a process of its own, and all that it printed. */
export class ChildProgram implements AsyncDisposable {
  readonly #child: ChildProcess;
  #output = "";

  private constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => void (this.#output += text));
    }
  }

  /** Starts Node with these arguments. The program sees no other environment than `env`. */
  static start(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProgram {
    return new ChildProgram(
      spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"] }),
    );
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it printed to both outputs, in the order in which it came. */
  get output(): string {
    return this.#output;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /**
   * For the probes of `waitFor`: a program that has ended will not get ready any more.
   * @throws {BedError} `ended`, with the last of what it printed.
   */
  throwIfEnded(): void {
    if (!this.hasEnded) return;
    const how = this.#child.exitCode ?? this.#child.signalCode;
    throw new BedError("ended", `The program ended (${how}): ${this.#output.slice(-shownLength)}`);
  }

  /** Sends the signal and waits for the end; answers the exit code, `null` when a signal killed it. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    if (!this.hasEnded) {
      const closed = once(this.#child, "close");
      this.#child.kill(signal);
      await closed;
    }
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
  }
}
