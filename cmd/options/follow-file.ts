import { type Runnable, watchFiles } from "#runtime";
import { UsageError } from "./flags.ts";

/** A file that a flag names, if it names one, as it is at this moment. */
export interface FollowedFile {
  readonly runnable: Runnable;
  readonly current: () => Buffer | undefined;
  /** Calls back after each change. */
  onChange(listener: (content: Buffer) => void): void;
}

/** Reads the file of a flag now, and again while `runnable` runs. Throws a UsageError that names the flag. */
export async function followFile(flag: string, path: string): Promise<FollowedFile> {
  const runnable = watchFiles(path === "" ? [] : [path]);
  try {
    await runnable.load();
  } catch (error) {
    if (!isFileError(error)) throw error;
    throw new UsageError(`Cannot use --${flag}: ${error.message}`, { cause: error });
  }
  return {
    runnable,
    current: () => runnable.contents[0],
    onChange: (listener) =>
      void runnable.onChange(([content]) => {
        if (content !== undefined) listener(content);
      }),
  };
}

/** True for what the file system says. */
export function isFileError(error: unknown): error is Error {
  return error instanceof Error && "syscall" in error;
}
