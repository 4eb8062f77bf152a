import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface ProgramOptions {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Node processes that end with this one, their output in one directory. */
export class Programs implements AsyncDisposable {
  readonly #directory: string;
  readonly #children = new Map<string, ChildProcess>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Starts `node ARGS`. */
  start({ name, args, env = {} }: ProgramOptions): void {
    const log = openSync(this.#log(name), "a");
    const argv = ["--pdeathsig", "KILL", "--", process.execPath, ...args];
    const child = spawn("setpriv", argv, {
      stdio: ["ignore", log, log],
      cwd: this.#directory,
      env: { PATH: process.env["PATH"], NODE_ENV: "production", ...env },
    });
    closeSync(log);
    this.#children.set(name, child);
  }

  /** Throws, with the end of its output, when one of them has ended. */
  pid(name: string): number {
    const child = this.#children.get(name);
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
      const said = readFileSync(this.#log(name), "utf8").slice(-2000);
      throw new Error(`${name} does not run: ${said}`);
    }
    return child.pid;
  }

  /** Asks one to end and waits. */
  async stop(name: string, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#children.get(name);
    this.#children.delete(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.#children.keys(), (name) => this.stop(name, "SIGKILL")));
  }

  #log(name: string): string {
    return join(this.#directory, "logs", `${name}.log`);
  }
}
