import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { FrontendCommands } from "./frontend.ts";

export interface FrontendFiles {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** The files and servers of a frontend. */
export interface FrontendOptions extends FrontendFiles {
  /** Ports of 127.0.0.1. */
  readonly servers: readonly number[];
  readonly nodeFlags?: readonly string[];
  readonly keepaliveTimeMs?: number;
}

/** What our parent asks, and what we answer. */
export interface Question {
  readonly id: number;
  readonly name: string;
  readonly options: unknown;
}
export interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

type Result<Name extends keyof FrontendCommands> = Awaited<ReturnType<FrontendCommands[Name]>>;

/** A frontend with our client, as a process of its own: what a gateway is to the tunnel. */
export class FrontendProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #lastId = 0;
  #complaints = "";

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stderr?.on("data", (text: Buffer) => (this.#complaints += text.toString()));
    child.on("message", ({ id, result, error }: Answer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(error));
    });
    child.on("close", (code) => {
      const error = new Error(`The frontend ended (${code}): ${this.#complaints}`);
      for (const { reject } of this.#waiting.values()) reject(error);
    });
  }

  /** Starts it and waits until it is connected. */
  static async start(options: FrontendOptions): Promise<FrontendProcess> {
    const { caFile, certFile, keyFile, servers, nodeFlags = [], keepaliveTimeMs } = options;
    const args = [
      `--ca=${caFile}`,
      `--cert=${certFile}`,
      `--key=${keyFile}`,
      ...servers.map((port) => `--server=127.0.0.1:${port}`),
      ...(keepaliveTimeMs === undefined ? [] : [`--keepalive-ms=${keepaliveTimeMs}`]),
    ];
    const child = fork(join(import.meta.dirname, "frontend.ts"), args, {
      execArgv: [...nodeFlags],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    const frontend = new FrontendProcess(child);
    await frontend.call("connected");
    return frontend;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Has it do something. Rejects when that fails or the process ends. */
  call<Name extends keyof FrontendCommands>(
    name: Name,
    ...[options]: Parameters<FrontendCommands[Name]>
  ): Promise<Result<Name>> {
    const waiting = Promise.withResolvers<unknown>();
    this.#lastId += 1;
    this.#waiting.set(this.#lastId, waiting);
    const question: Question = { id: this.#lastId, name, options };
    this.#child.send(question, (error) => {
      if (error !== null) waiting.reject(new Error(`The frontend is gone: ${this.#complaints}`));
    });
    return waiting.promise as Promise<Result<Name>>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, "close");
    this.#child.kill("SIGKILL");
    await closed;
  }
}
