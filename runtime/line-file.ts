import { createLogger as createWinston, format, transports } from "winston";

export interface LineFileOptions {
  readonly path: string;
  /** A file that has grown so large, in bytes, is put aside and a new one begun. */
  readonly maxBytes: number;
  /** How many are kept, with the one that is written to. */
  readonly maxFiles: number;
  /** Called when lines cannot be written. */
  readonly onError: (error: unknown) => void;
}

/** A file that lines are appended to. */
export interface LineFile {
  /** Never throws and never waits. */
  write(line: string): void;
  /** Resolves once all lines are in the file. */
  close(): Promise<void>;
}

/** A file of lines that never grows without limit: `x.log`, and older `x1.log`, `x2.log`, … */
export function createLineFile({ path, maxBytes, maxFiles, onError }: LineFileOptions): LineFile {
  const file = new transports.File({
    filename: path,
    maxsize: maxBytes,
    maxFiles,
    tailable: true,
    options: { flags: "a", mode: 0o600 },
  });
  file.on("error", onError);
  const winston = createWinston({
    format: format.printf(({ message }) => String(message)),
    transports: [file],
  });
  winston.on("error", onError);
  return {
    write: (line) => void winston.info(line),
    async close() {
      const finished = new Promise<void>((resolve) => file.once("finish", resolve));
      winston.end();
      await finished;
    },
  };
}
