import { createHash } from "node:crypto";

/**
 * The organizational unit that names the authority behind a custom signer: an agent whose
 * certificate carries another one asks for a new certificate. Agents see it in the subject that
 * their registration asks for.
 */
export function signerUnit(authorityPem: string): string {
  const digest = createHash("sha256").update(authorityPem).digest("base64");
  return `signer-${Buffer.from(digest, "ascii").toString("hex")}`;
}
