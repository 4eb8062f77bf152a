import { spawn } from "node:child_process";
import { kubectlPath } from "./hub.ts";

/** A command that goes on while the test does something else. */
export interface Background extends AsyncDisposable {
  readonly stdout: string;
  readonly stderr: string;
  /** True while it runs. */
  readonly isRunning: boolean;
  /** Its exit code; `undefined` while it runs, `null` when a signal ended it. */
  readonly exitCode: number | null | undefined;
  /** Writes to its standard input. */
  write(text: string): void;
  /** Sends it a signal, such as SIGSTOP. */
  signal(name: NodeJS.Signals): void;
}

/** Starts kubectl; it is ended when the returned handle is disposed. */
export function startKubectl(
  args: readonly string[],
  kubeconfig: string,
  env: Readonly<Record<string, string>> = {},
  program = kubectlPath,
): Background {
  return startProgram([program, ...args], { ...env, KUBECONFIG: kubeconfig });
}

/** Starts any program; it is ended when the returned handle is disposed. */
export function startProgram(
  [program = "", ...args]: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Background {
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  let exitCode: number | null | undefined;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  child.stdin.on("error", () => undefined);
  const ended = new Promise<void>((resolve) => {
    const end = (code: number | null): void => {
      exitCode = code;
      resolve();
    };
    child.once("close", end);
    child.once("error", () => end(null));
  });
  return {
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
    get isRunning() {
      return exitCode === undefined;
    },
    get exitCode() {
      return exitCode;
    },
    write: (text) => void child.stdin.write(text),
    signal: (name) => void child.kill(name),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      // Whoever is stopped hears nothing else.
      child.kill("SIGCONT");
      const kill = setTimeout(() => child.kill("SIGKILL"), 5_000);
      await ended;
      clearTimeout(kill);
    },
  };
}
