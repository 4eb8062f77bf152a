/** Where a request stands in a trace, as the W3C's Trace Context says it. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits: the span that the next one is a child of. */
  readonly spanId: string;
  readonly isSampled: boolean;
  /** What vendors pass along; `undefined` for nothing, or nothing usable. */
  readonly state: string | undefined;
}

const parent = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
type Fields = readonly [all: string, ...fields: [string, string, string, string], rest?: string];
const isZero = (digits: string): boolean => /^0+$/.test(digits);

/**
 * Reads the fields `traceparent` and `tracestate` of a request; `undefined` for anything but
 * exactly one parent that is valid, for then a new trace has to begin.
 */
export function parseTraceContext(
  parents: readonly string[],
  states: readonly string[],
): TraceContext | undefined {
  const [text] = parents;
  const match = parents.length === 1 && text !== undefined ? parent.exec(text) : null;
  if (match === null) return undefined;
  const [, version, traceId, spanId, flags, rest] = match as unknown as Fields;
  // Later versions may say more, this one may not.
  const isKnown = version === "00" ? rest === undefined : version !== "ff";
  if (!isKnown || isZero(traceId) || isZero(spanId)) return undefined;
  const isSampled = (Number.parseInt(flags, 16) & 1) === 1;
  return { traceId, spanId, isSampled, state: validState(states.join(",")) };
}

/** The value of `traceparent`. */
export function formatTraceparent({ traceId, spanId, isSampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`;
}

const maxStateMembers = 32;
const maxStateChars = 512;
const member =
  /^(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})=[ -+\--<>-~]{0,255}[!-+\--<>-~]$/;

/** All of it or nothing: half of a state is another state. */
function validState(text: string): string | undefined {
  if (text.length > maxStateChars) return undefined;
  const members = text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  const keys = new Set(members.map((part) => part.slice(0, part.indexOf("="))));
  const isValid =
    members.length > 0 &&
    members.length <= maxStateMembers &&
    keys.size === members.length &&
    members.every((part) => member.test(part));
  return isValid ? members.join(",") : undefined;
}
