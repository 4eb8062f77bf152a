import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  webcrypto,
} from "node:crypto";
import { promisify } from "node:util";
import { PkiError } from "./pki-error.ts";

const generate = promisify(generateKeyPair);
const curves: Readonly<Record<string, string>> = {
  prime256v1: "P-256",
  secp384r1: "P-384",
  secp521r1: "P-521",
};

/** A new ECDSA P-256 key. */
export async function createKey(): Promise<KeyObject> {
  const { privateKey } = await generate("ec", { namedCurve: "P-256" });
  return privateKey;
}

/** PKCS#8 in PEM, as Secrets hold it. */
export function keyToPem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" });
}

/** Reads PKCS#8, PKCS#1 or SEC 1; ECDSA or RSA. Throws a {@link PkiError} for anything else. */
export function parseKey(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === "rsa" || key.asymmetricKeyType === "ec") return key;
  } catch {
    // The cause may quote the input, which is a secret.
    throw new PkiError("bad_key", "Cannot read private key: not PEM of a private key");
  }
  throw new PkiError("bad_key", "Cannot use private key: neither RSA nor ECDSA");
}

/** The same key as Web Crypto wants it for signing with SHA-256. */
export function signingKey(key: KeyObject): webcrypto.CryptoKey {
  return key.toCryptoKey(signingAlgorithm(key), true, ["sign"]);
}

/** Its public half as Web Crypto wants it. */
export function verifyingKey(key: KeyObject): webcrypto.CryptoKey {
  return createPublicKey(key).toCryptoKey(signingAlgorithm(key), true, ["verify"]);
}

export type SigningAlgorithm =
  | { readonly name: "RSASSA-PKCS1-v1_5"; readonly hash: "SHA-256" }
  | { readonly name: "ECDSA"; readonly hash: "SHA-256"; readonly namedCurve: string };

/** How certificates are signed with the key. */
export function signingAlgorithm(key: KeyObject): SigningAlgorithm {
  if (key.asymmetricKeyType === "rsa") return { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const curve = key.asymmetricKeyDetails?.namedCurve ?? "";
  const namedCurve = curves[curve];
  if (namedCurve === undefined) {
    throw new PkiError("bad_key", `Cannot use private key: curve "${curve}" is not supported`);
  }
  return { name: "ECDSA", hash: "SHA-256", namedCurve };
}
