const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/** Up to where a precision holds: the larger unit, then the smaller that is told beside it. */
const steps: readonly (readonly [below: number, unit: Unit, rest?: Unit])[] = [
  [2 * minute, [second, "s"]],
  [10 * minute, [minute, "m"], [second, "s"]],
  [3 * hour, [minute, "m"]],
  [8 * hour, [hour, "h"], [minute, "m"]],
  [2 * day, [hour, "h"]],
  [8 * day, [day, "d"], [hour, "h"]],
  [2 * year, [day, "d"]],
  [8 * year, [year, "y"], [day, "d"]],
  [Number.POSITIVE_INFINITY, [year, "y"]],
];
type Unit = readonly [ms: number, name: string];

/** How long ago a time is, as precisely as kubectl tells ages: `47s`, `3m12s`, `5d`. */
export function ageOf(created: string | undefined, now: Date): string {
  const ms = now.getTime() - Date.parse(created ?? "");
  if (Number.isNaN(ms)) return "<unknown>";
  // Clocks differ a little; a minute is too much of a difference.
  if (ms < -second) return "<invalid>";
  const [, unit = [second, "s"], rest] = steps.find(([below]) => ms < below) ?? [];
  const text = count(Math.max(ms, 0), unit);
  const left = rest === undefined ? "" : count(ms % unit[0], rest);
  return left.startsWith("0") ? text : text + left;
}

function count(ms: number, [size, name]: Unit): string {
  return `${Math.floor(ms / size)}${name}`;
}
