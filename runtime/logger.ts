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

/** How gRPC's library begins its messages: with the status, which the text says in words. */
const statusPrefix = /^\d+ [A-Z_]+: /;

/**
 * The messages of an error and of its causes, outermost first: `cannot A: cannot B: refused`. A
 * cause that an outer message has quoted already is not told again.
 */
export function describeError(error: unknown): string {
  const messages: string[] = [];
  let at: unknown = error;
  for (let depth = 0; at !== undefined && depth < 8; depth += 1) {
    const text = describeOne(at);
    const isTold = messages.join(": ").includes(text.replace(statusPrefix, ""));
    if (messages.length === 0 || !isTold) messages.push(text);
    at = at instanceof Error ? at.cause : undefined;
  }
  return messages.join(": ");
}

function describeOne(error: unknown): string {
  if (!(error instanceof AggregateError) || error.message !== "") return textOf(error);
  return error.errors.map((inner) => describeError(inner)).join("; ");
}
