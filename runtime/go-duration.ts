const unitMs = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/gy;

/**
 * Milliseconds of a duration as Go writes it (`1h0m0s`, `100ms`, `1.5h`, `0`).
 * Throws a RangeError that quotes the text when it is none.
 */
export function parseGoDuration(text: string): number {
  const sign = text.startsWith("-") ? -1 : 1;
  const body = text.replace(/^[+-]/, "");
  if (body === "0") return 0;
  let ms = 0;
  part.lastIndex = 0;
  for (let at = 0; at < body.length; at = part.lastIndex) {
    const match = part.exec(body);
    if (match === null) throw notADuration(text);
    ms += Number(match[1]) * unitMs[match[2] as keyof typeof unitMs];
  }
  if (body === "") throw notADuration(text);
  return sign * ms;
}

/** A duration in Go's canonical form: `8640h0m0s`, `1m30s`, `1.5s`, `0s`. */
export function formatGoDuration(ms: number): string {
  const sign = ms < 0 ? "-" : "";
  const totalMs = Math.abs(ms);
  if (totalMs > 0 && totalMs < 1000) return `${sign}${totalMs}ms`;
  const hours = Math.floor(totalMs / unitMs.h);
  const minutes = Math.floor((totalMs % unitMs.h) / unitMs.m);
  const seconds = (totalMs % unitMs.m) / unitMs.s;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}s` : `${sign}${seconds}s`;
}

function notADuration(text: string): RangeError {
  return new RangeError(`Cannot read duration "${text}": expected a form such as 1h30m or 45s`);
}
