import { isIP } from "node:net";
import { type GeneralNames, SubjectAlternativeNameExtension } from "./x509.ts";

/** The names that a certificate speaks for: DNS names and IP addresses, each once, in order. */
export type Names = readonly string[];

/** The extension that carries them. */
export function namesExtension(names: Names): SubjectAlternativeNameExtension {
  return new SubjectAlternativeNameExtension(
    [...new Set(names)].map((value) => ({ type: isIP(value) === 0 ? "dns" : "ip", value })),
  );
}

/**
 * The names in an extension. Kinds that are neither DNS names nor addresses are told as
 * `kind:value`, so that whoever compares sees that they are there.
 */
export function namesOf(names: GeneralNames): Names {
  return names.items.map(({ type, value }) =>
    type === "dns" || type === "ip" ? value : `${type}:${value}`,
  );
}
