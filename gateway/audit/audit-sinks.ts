import type { Writable } from "node:stream";
import { createLineFile, type LineFileOptions, type Runnable } from "#runtime";
import type { AuditSink } from "./auditor.ts";

/** A sink that may have work to do until the process ends. */
export interface RunningSink extends AuditSink, Runnable {}

/** One JSON object a line, in a file that is put aside when it has grown. */
export function createFileSink(options: LineFileOptions): RunningSink {
  const file = createLineFile(options);
  return {
    name: "audit-file",
    write: (event) => file.write(JSON.stringify(event)),
    async run(signal) {
      await aborted(signal);
      await file.close();
    },
  };
}

/** One JSON object a line, for whoever collects what the process prints. */
export function createStreamSink(stream: Writable): AuditSink {
  return { write: (event) => void stream.write(`${JSON.stringify(event)}\n`) };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}
