import { readFileSync } from "node:fs";

/** USER_HZ, which is 100 on every Linux that we run on. */
const ticksPerSecond = 100;

/** User and system time of a process since it began, in seconds. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Resident memory of a process, in bytes. */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) * 1024;
}

/** Processes by the name that a table shows. */
export type Processes = Readonly<Record<string, number>>;

export interface Usage {
  /** CPU seconds by process. */
  readonly cpu: Readonly<Record<string, number>>;
  /** The share of the machine that was idle, 0 to 1: without it, figures say little. */
  readonly idleShare: number;
}

/** Begins to measure; the function that it returns says what was used since. */
export function measureUsage(processes: Processes): () => Usage {
  const before = cpuOf(processes);
  const machineBefore = machineSeconds();
  return () => {
    const after = cpuOf(processes);
    const machine = machineSeconds();
    const cpu = Object.entries(after).map(
      ([name, at]) => [name, at - (before[name] ?? 0)] as const,
    );
    const total = machine.total - machineBefore.total;
    return {
      cpu: Object.fromEntries(cpu),
      idleShare: (machine.idle - machineBefore.idle) / total,
    };
  };
}

function cpuOf(processes: Processes): Record<string, number> {
  return Object.fromEntries(
    Object.entries(processes).map(([name, pid]) => [name, cpuSeconds(pid)] as const),
  );
}

function machineSeconds(): { readonly idle: number; readonly total: number } {
  const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n");
  const fields = line.trim().split(/\s+/).slice(1, 9).map(Number);
  const total = fields.reduce((sum, ticks) => sum + ticks, 0);
  return {
    idle: ((fields[3] ?? 0) + (fields[4] ?? 0)) / ticksPerSecond,
    total: total / ticksPerSecond,
  };
}
