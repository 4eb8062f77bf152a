import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { residentBytes } from "../bench/process-usage.ts";

/** What a process holds. */
export interface ProcessState {
  /** Of JavaScript, after garbage was collected. */
  readonly heapBytes: number;
  readonly residentBytes: number;
  /** Open files and sockets. */
  readonly handles: number;
}

/** Sockets of those who look at a process: they come and go. */
const lookers = 4;

/** Whether that many handles are no more than before. */
export function areAsManyHandles(before: number, now: number): boolean {
  return now <= before + lookers;
}

/** Whether a process holds no more than before: its heap within 5 %, and nothing open. */
export function holdsAsMuch(before: ProcessState, now: ProcessState): boolean {
  return now.heapBytes <= 1.05 * before.heapBytes && areAsManyHandles(before.handles, now.handles);
}

/** A process that was started with `--inspect=127.0.0.1:PORT`. */
export interface Inspectable {
  readonly pid: number;
  readonly inspectPort: number;
}

/** Collects a process's garbage and says what is left. */
export async function processState({ pid, inspectPort }: Inspectable): Promise<ProcessState> {
  const heapBytes = await heapAfterCollection(inspectPort);
  return { heapBytes, residentBytes: residentBytes(pid), handles: await openHandles(pid) };
}

/** Open files and sockets of a process. */
export async function openHandles(pid: number): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`)).length;
}

/** What a process takes for the time, in milliseconds since 1970. */
export async function clockOf(inspectPort: number): Promise<number> {
  return inspect(inspectPort, async (ask) => {
    const now = await ask("Runtime.evaluate", { expression: "Date.now()" });
    return (now as { readonly result: { readonly value: number } }).result.value;
  });
}

async function heapAfterCollection(inspectPort: number): Promise<number> {
  return inspect(inspectPort, async (ask) => {
    // What is freed only after a finalizer has run is gone the second time.
    await ask("HeapProfiler.collectGarbage");
    await ask("HeapProfiler.collectGarbage");
    return ((await ask("Runtime.getHeapUsage")) as { readonly usedSize: number }).usedSize;
  });
}

type Ask = (method: string, params?: Readonly<Record<string, unknown>>) => Promise<unknown>;

/** Asks the inspector of a process; one question at a time, so that the next message is the answer. */
async function inspect<T>(port: number, use: (ask: Ask) => Promise<T>): Promise<T> {
  const listed = await fetch(`http://127.0.0.1:${port}/json/list`);
  const [target] = (await listed.json()) as readonly { readonly webSocketDebuggerUrl: string }[];
  const socket = new WebSocket(target?.webSocketDebuggerUrl ?? "");
  const closed = once(socket, "close");
  try {
    await once(socket, "open");
    return await use(async (method, params = {}) => {
      const answered = once(socket, "message") as Promise<[{ readonly data: string }]>;
      socket.send(JSON.stringify({ id: 1, method, params }));
      const [{ data }] = await answered;
      const { result } = JSON.parse(data) as { readonly result?: unknown };
      if (result === undefined) throw new Error(`The inspector refuses ${method}: ${data}`);
      return result;
    });
  } finally {
    socket.close();
    await closed;
  }
}
