import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BedError } from "../bed-error.ts";
import type { Program } from "../cluster-plan.ts";

const shownLogCharacters = 1_500;

/** Removes the directory once our end of its standard input is closed, however we ended. */
const guardScript = 'while read -r _; do :; done; sleep 0.3; rm -rf "$1"; sleep 1; rm -rf "$1"';

interface Running {
  readonly program: Program;
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
}

/**
 * Runs programs as children of this process, with their files in a directory of their own.
 *
 * Guarantees: when this process ends, by whatever signal, the kernel kills the programs and a
 * guard removes the directory. Assumes that {@link start} is called on the main thread, since
 * the kernel watches the thread that made a child.
 */
export class ProcessHost implements AsyncDisposable {
  readonly directory: string;
  readonly #guard: ChildProcess;
  readonly #running = new Map<string, Running>();
  /** What was started, also if it was stopped since. */
  readonly #known = new Map<string, Program>();

  private constructor(directory: string, guard: ChildProcess) {
    this.directory = directory;
    this.#guard = guard;
  }

  static async create(name: string): Promise<ProcessHost> {
    const directory = await mkdtemp(join(tmpdir(), `spokeway-${name}-`));
    await mkdir(join(directory, "logs"));
    // In a session of its own, so that a signal to our group leaves it its work.
    const guard = spawn("sh", ["-c", guardScript, "bed-guard", directory], {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
    });
    guard.unref();
    return new ProcessHost(directory, guard);
  }

  /** Starts a program; what it prints goes to its log. */
  start(program: Program): void {
    const log = openSync(this.logPath(program.name), "a");
    try {
      const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", ...program.argv], {
        stdio: ["ignore", log, log],
        cwd: this.directory,
      });
      const ended = new Promise((resolve) => {
        child.once("exit", resolve);
        child.once("error", resolve);
      });
      // A test that forgets to dispose must still be able to end.
      child.unref();
      this.#known.set(program.name, program);
      this.#running.set(program.name, { program, child, ended });
    } finally {
      closeSync(log);
    }
  }

  /** Kills a program and waits until it is gone. One that does not run is left alone. */
  async stop(name: string): Promise<void> {
    const running = this.#running.get(name);
    if (running === undefined) return;
    this.#running.delete(name);
    await kill(running);
  }

  /** Starts a program again with the same arguments; kills it before if it runs. */
  async restart(name: string): Promise<void> {
    const program = this.#known.get(name);
    if (program === undefined) throw new BedError("ended", `Cannot restart ${name}: not started`);
    await this.stop(name);
    this.start(program);
  }

  /** Throws an `ended` error with the last lines of its log if one of the programs has ended. */
  async assertRunning(): Promise<void> {
    for (const { program, child } of this.#running.values()) {
      if (child.exitCode === null && child.signalCode === null) continue;
      const log = await readFile(this.logPath(program.name), "utf8");
      const how = child.exitCode ?? child.signalCode;
      const said = log.slice(-shownLogCharacters);
      throw new BedError("ended", `${program.name} ended with ${how}: ${said}`);
    }
  }

  /** The process of a program that runs. Throws an `ended` error for one that does not. */
  pid(name: string): number {
    const pid = this.#running.get(name)?.child.pid;
    if (pid === undefined) throw new BedError("ended", `${name} does not run`);
    return pid;
  }

  logPath(name: string): string {
    return join(this.directory, "logs", `${name}.log`);
  }

  /** Kills everything at once, since nothing is worth saving, and removes the directory. */
  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#running.values()];
    this.#running.clear();
    await Promise.all(all.map(kill));
    this.#guard.stdin?.destroy();
    await rm(this.directory, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function kill({ child, ended }: Running): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.ref();
  child.kill("SIGKILL");
  await ended;
}
