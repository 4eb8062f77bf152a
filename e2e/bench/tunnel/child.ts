import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { createConnection } from "node:net";
import { cpuSeconds, residentBytes } from "../process-usage.ts";

/** A program that runs beside the others for the whole measurement. */
export interface Child extends AsyncDisposable {
  /** Processor seconds so far, in user and system mode. */
  cpuSeconds(): number;
  /** Memory that it holds now. */
  residentBytes(): number;
}

/** Starts a program. What it says goes to `log`; it ends with this process. */
export function startChild(
  log: string,
  [program = "", ...args]: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Child {
  const output = openSync(log, "a");
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", program, ...args], {
    stdio: ["ignore", output, output],
    env: { PATH: process.env["PATH"], NODE_ENV: "production", ...env },
  });
  closeSync(output);
  const ended = once(child, "exit");
  const pid = child.pid ?? 0;
  return {
    cpuSeconds: () => cpuSeconds(pid),
    residentBytes: () => residentBytes(pid),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Runs a program to its end and reads its output as JSON. Throws what it complains about. */
export async function runMeasure<T>(
  [program = "", ...args]: readonly string[],
  limitMs: number,
): Promise<T> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], timeout: limitMs });
  const [output, complaint] = await Promise.all([textOf(child, "stdout"), textOf(child, "stderr")]);
  if (output === "") throw new Error(`${program} measured nothing: ${complaint.slice(0, 500)}`);
  return JSON.parse(output) as T;
}

async function textOf(child: ChildProcess, name: "stdout" | "stderr"): Promise<string> {
  let text = "";
  for await (const chunk of child[name] ?? []) text += String(chunk);
  return text;
}

/** Waits until something listens; throws after ten seconds. */
export async function listening(port: number): Promise<void> {
  const end = performance.now() + 10_000;
  while (performance.now() < end) {
    const socket = createConnection(port, "127.0.0.1");
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`Nothing listens on port ${port}`);
}
