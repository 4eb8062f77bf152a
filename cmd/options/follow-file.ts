import { type Runnable, type WatchedFiles, watchFiles } from "#runtime";
import { UsageError } from "./flags.ts";

/** A file that a flag names, if it names one, as it is at this moment. */
export interface FollowedFile {
  readonly runnable: Runnable;
  readonly current: () => Buffer | undefined;
  /** Calls back after each change. */
  onChange(listener: (content: Buffer) => void): void;
}

/**
 * Reads the file of a flag now, and again while `runnable` runs. Throws a UsageError that names the
 * flag when it cannot be read; one that `mayBeMissing` may also come later.
 */
export async function followFile(
  flag: string,
  path: string,
  { mayBeMissing = false }: { readonly mayBeMissing?: boolean } = {},
): Promise<FollowedFile> {
  const runnable = watchFiles(path === "" ? [] : [path]);
  try {
    await runnable.load();
  } catch (error) {
    if (!isFileError(error)) throw error;
    if (mayBeMissing && error.code === "ENOENT") return followed(runnable);
    throw new UsageError(`Cannot use --${flag}: ${error.message}`, { cause: error });
  }
  return followed(runnable);
}

function followed(runnable: WatchedFiles): FollowedFile {
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
export function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}
