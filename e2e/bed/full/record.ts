import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { runDirectory } from "./layout.ts";

const bedRecord = z.object({
  /** `.bed` of the checkout that started the bed. */
  root: z.string(),
  clusters: z.array(z.string()),
  /** What decided the bed's programs; another value means that it must be started anew. */
  fingerprint: z.string(),
  /** Whether everything has come up. */
  complete: z.boolean(),
  /** Kernel settings as they were before the bed, by path. */
  kernelSettings: z.record(z.string(), z.string()),
});

/** What is known about the bed on this machine, wherever it was started from. */
export type BedRecord = z.infer<typeof bedRecord>;

const recordPath = join(runDirectory, "bed.json");

/** Reads the record, or `undefined` where there is none that can be read. */
export async function readRecord(): Promise<BedRecord | undefined> {
  try {
    return bedRecord.parse(JSON.parse(await readFile(recordPath, "utf8")));
  } catch {
    // Without a record the bed is found by what it has left in the system.
    return undefined;
  }
}

export async function writeRecord(record: BedRecord): Promise<void> {
  await mkdir(runDirectory, { recursive: true });
  await writeFile(recordPath, JSON.stringify(record, undefined, 2));
}

/** Forgets the bed, with everything that it kept in the system's run directory. */
export async function removeRecord(): Promise<void> {
  await rm(runDirectory, { recursive: true, force: true });
}
