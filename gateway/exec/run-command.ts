import { spawn } from "node:child_process";
import { describeError } from "#runtime";
import type { ExecConfig } from "../clusters/cluster.ts";

export interface RunOptions {
  /** Absolute path of the program. */
  readonly program: string;
  readonly config: ExecConfig;
  /** Defaults to 10 seconds. */
  readonly timeoutMs?: number;
}

/** Output beyond this is no credential. */
const maxOutputBytes = 1024 * 1024;
const defaultTimeoutMs = 10_000;

/** Where programs that a command calls are looked for; nothing of our own environment is handed on. */
const cleanEnvironment = { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: "/tmp" } as const;

/** A command did not do its work. The message never quotes its output. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

/**
 * Runs a program without a shell, in a clean environment and for a bounded time. Resolves with
 * what it wrote to its standard output; rejects with a {@link CommandError}.
 */
export async function runCommand({
  program,
  config: { apiVersion, args, env },
  timeoutMs = defaultTimeoutMs,
}: RunOptions): Promise<string> {
  const spec = { apiVersion, kind: "ExecCredential", spec: { interactive: false } };
  const child = spawn(program, [...args], {
    shell: false,
    cwd: "/",
    // Output on stderr may hold a secret: nobody reads it.
    stdio: ["ignore", "pipe", "ignore"],
    // A group of its own, so that what it started ends with it.
    detached: true,
    env: {
      ...cleanEnvironment,
      KUBERNETES_EXEC_INFO: JSON.stringify(spec),
      ...Object.fromEntries(env.map(({ name, value }) => [name, value])),
    },
  });
  const ended = Promise.withResolvers<string>();
  const fail = (why: string) => {
    ended.reject(new CommandError(`exec: executable ${program} ${why}`));
    killGroup(child.pid);
  };
  const timer = setTimeout(() => fail(`did not end in ${timeoutMs} ms`), timeoutMs);
  const chunks: Buffer[] = [];
  let bytes = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxOutputBytes) fail(`wrote more than ${maxOutputBytes} bytes`);
    else chunks.push(chunk);
  });
  child.once("error", (error: NodeJS.ErrnoException) => {
    fail(error.code === "ENOENT" ? "not found" : `cannot be run: ${describeError(error)}`);
  });
  child.once("close", (code, signal) => {
    if (code === 0) ended.resolve(Buffer.concat(chunks).toString("utf8"));
    else fail(`failed with ${code === null ? `signal ${signal}` : `exit code ${code}`}`);
  });
  try {
    return await ended.promise;
  } finally {
    clearTimeout(timer);
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}
