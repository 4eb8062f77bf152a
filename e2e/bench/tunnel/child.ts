import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createConnection } from "node:net";

const ticksPerSecond = 100;

/** A program that runs beside the others for the whole measurement. */
export interface Child extends AsyncDisposable {
  readonly name: string;
  /** Processor seconds so far, in user and system mode. */
  cpuSeconds(): Promise<number>;
  /** Memory that it holds now. */
  residentBytes(): Promise<number>;
}

export function startChild(name: string, program: string, args: readonly string[]): Child {
  const child = spawn(program, args, { stdio: "ignore" });
  const closed = once(child, "close");
  const read = (file: string) => readFile(`/proc/${child.pid ?? 0}/${file}`, "utf8");
  return {
    name,
    async cpuSeconds() {
      const stat = await read("stat");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
    },
    async residentBytes() {
      return Number(/^VmRSS:\s+(\d+)/m.exec(await read("status"))?.[1] ?? 0) * 1024;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await closed;
    },
  };
}

/** Runs a program to its end and reads its output as JSON. Throws what it complains about. */
export async function runMeasure<T>(
  program: string,
  args: readonly string[],
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
  for (let tries = 0; tries < 200; tries += 1) {
    const socket = createConnection(port, "127.0.0.1");
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`Nothing listens on port ${port}`);
}
