import { spawn } from "node:child_process";
import { kubectlPath } from "./hub.ts";

/** A command that goes on while the test does something else. */
export interface Background extends AsyncDisposable {
  readonly stdout: string;
  readonly stderr: string;
  /** True while it runs. */
  readonly isRunning: boolean;
  /** Writes to its standard input. */
  write(text: string): void;
}

/** Starts kubectl; it is ended when the returned handle is disposed. */
export function startKubectl(
  args: readonly string[],
  kubeconfig: string,
  env: Readonly<Record<string, string>> = {},
): Background {
  return startProgram([kubectlPath, ...args], { ...env, KUBECONFIG: kubeconfig });
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
  let isRunning = true;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  child.stdin.on("error", () => undefined);
  const ended = new Promise<void>((resolve) => {
    const end = (): void => {
      isRunning = false;
      resolve();
    };
    child.once("close", end);
    child.once("error", end);
  });
  return {
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
    get isRunning() {
      return isRunning;
    },
    write: (text) => void child.stdin.write(text),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      const kill = setTimeout(() => child.kill("SIGKILL"), 5_000);
      await ended;
      clearTimeout(kill);
    },
  };
}
