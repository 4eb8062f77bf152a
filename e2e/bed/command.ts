import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { BedError } from "./bed-error.ts";

/** How one command is run. */
export interface CommandOptions {
  /** Written to standard input, which is then closed. Defaults to nothing. */
  readonly input?: string | Buffer;
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** After this the command is killed. Defaults to two minutes. */
  readonly timeoutMs?: number;
}

/** How a command ended, and what it printed. */
export interface CommandResult {
  /** The exit code, or `null` when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const defaultTimeoutMs = 120_000;
const shownErrorCharacters = 2_000;

/** Runs a command to its end, whatever its exit code. Throws only when it cannot be run at all. */
export async function tryCommand(
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const [program = "", ...rest] = argv;
  const timeout = AbortSignal.timeout(options.timeoutMs ?? defaultTimeoutMs);
  const child = spawn(program, rest, {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
    signal: options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]),
    killSignal: "SIGKILL",
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  // A program that does not read its input to the end is no error of ours.
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code));
  });
  try {
    const [code, stdout, stderr] = await Promise.all([
      ended,
      text(child.stdout),
      text(child.stderr),
    ]);
    return { code, stdout, stderr };
  } catch (error) {
    throw new BedError("command", `Cannot run ${describeCommand(argv)}`, { cause: error });
  }
}

/** Runs a command that must succeed and returns what it printed. */
export async function runCommand(
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await tryCommand(argv, options);
  if (code === 0) return stdout;
  const said = stderr.trim().slice(-shownErrorCharacters);
  throw new BedError("command", `${describeCommand(argv)} ended with ${code}: ${said}`);
}

function describeCommand(argv: readonly string[]): string {
  return argv.slice(0, 6).join(" ");
}
