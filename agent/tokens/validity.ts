import type { ManagedServiceAccount } from "#api";
import { parseGoDuration } from "#runtime";

/** What an API server accepts as `expirationSeconds` of a TokenRequest. */
const minSeconds = 600;
const maxSeconds = 2 ** 32;

/** The lifetime that an account asks for, or why it cannot be had. */
export type Validity =
  | { readonly kind: "usable"; readonly seconds: number }
  | { readonly kind: "unusable"; readonly message: string };

/** Reads `spec.rotation.validity`, in whole seconds. */
export function readValidity({ spec }: ManagedServiceAccount): Validity {
  const text = spec.rotation.validity;
  const refuse = (why: string): Validity => ({
    kind: "unusable",
    message: `spec.rotation.validity "${text}" ${why}`,
  });
  const seconds = Math.trunc(parse(text) / 1000);
  if (Number.isNaN(seconds)) return refuse("is no duration such as 720h or 1h30m");
  if (seconds < minSeconds) return refuse("is less than 10m, the least that can be issued");
  if (seconds > maxSeconds) return refuse("is more than 1193046h, the most that can be issued");
  return { kind: "usable", seconds };
}

function parse(text: string): number {
  try {
    return parseGoDuration(text);
  } catch {
    return Number.NaN;
  }
}
