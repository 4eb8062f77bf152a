import { isIP } from "node:net";
import { type GeneralNames, SubjectAlternativeNameExtension } from "./x509.ts";

/** The names that a certificate speaks for: DNS names and IP addresses, each once, in order. */
export type Names = readonly string[];

/** A name as all certificates write it: `FD00:0::1` and `fd00::1` are one address. */
export function canonicalName(name: string): string {
  if (isIP(name) !== 6) return name.toLowerCase();
  return new URL(`http://[${name}]`).hostname.slice(1, -1);
}

/** The extension that carries them. */
export function namesExtension(names: Names): SubjectAlternativeNameExtension {
  return new SubjectAlternativeNameExtension(
    [...new Set(names.map(canonicalName))].map((value) => ({
      type: isIP(value) === 0 ? "dns" : "ip",
      value,
    })),
  );
}

/**
 * The names in an extension. Kinds that are neither DNS names nor addresses are told as
 * `kind:value`, so that whoever compares sees that they are there.
 */
export function namesOf(names: GeneralNames): Names {
  return names.items.map(({ type, value }) =>
    type === "dns" || type === "ip" ? canonicalName(value) : `${type}:${value}`,
  );
}
