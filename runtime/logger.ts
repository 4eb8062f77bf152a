import type { Writable } from "node:stream";
import { createLogger as createWinston, format, transports } from "winston";

export type Fields = Readonly<Record<string, unknown>>;
export type LogLevel = "debug" | "info" | "warn" | "error";

/**
 * Constant messages, variable fields: `log.info("Dialled backend", { cluster, connectionId })`.
 * Never pass a token, a key or a whole request: fields are written as they are.
 */
export interface Logger {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  /** A logger that adds `fields` to all it writes. */
  with(fields: Fields): Logger;
}

export interface LoggerOptions {
  /** Where the JSON lines go. */
  readonly sink: Writable;
  /** Least level that is written. Defaults to `info`. */
  readonly level?: LogLevel;
  /** Fields of every line. */
  readonly fields?: Fields;
}

/** A logger that writes one JSON object a line: `time`, `level`, `message`, then the fields. */
export function createLogger({ sink, level = "info", fields = {} }: LoggerOptions): Logger {
  const winston = createWinston({
    level,
    format: format.printf((info) => {
      const { level: lineLevel, message, ...rest } = info;
      return JSON.stringify(
        { time: new Date().toISOString(), level: lineLevel, message, ...rest },
        errorsAsText,
      );
    }),
    transports: [new transports.Stream({ stream: sink })],
  });
  const bind = (base: Fields): Logger => ({
    debug: (message, extra) => void winston.log("debug", message, { ...base, ...extra }),
    info: (message, extra) => void winston.log("info", message, { ...base, ...extra }),
    warn: (message, extra) => void winston.log("warn", message, { ...base, ...extra }),
    error: (message, extra) => void winston.log("error", message, { ...base, ...extra }),
    with: (extra) => bind({ ...base, ...extra }),
  });
  return bind(fields);
}

/** A logger that writes nothing, for tests and for parts that were given none. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => silentLogger,
};

function errorsAsText(_key: string, value: unknown): unknown {
  if (value instanceof Error) return describeError(value);
  return typeof value === "bigint" ? value.toString() : value;
}

function textOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  return typeof thrown === "string" ? thrown : JSON.stringify(thrown);
}

/** The messages of an error and of its causes, outermost first: `cannot A: cannot B: refused`. */
export function describeError(error: unknown): string {
  const messages: string[] = [];
  for (let at: unknown = error; at !== undefined && messages.length < 8; ) {
    if (at instanceof AggregateError && at.message === "") {
      messages.push(at.errors.map((inner) => describeError(inner)).join("; "));
    } else {
      messages.push(textOf(at));
    }
    at = at instanceof Error ? at.cause : undefined;
  }
  return messages.join(": ");
}
