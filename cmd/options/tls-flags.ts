import { readFile } from "node:fs/promises";
import { UsageError } from "./flags.ts";

/** A certificate and its key as two flags name them. */
export interface PairFlags {
  readonly certFlag: string;
  readonly cert: string;
  readonly keyFlag: string;
  readonly key: string;
}

/** A certificate and its key come together. Throws a UsageError with upstream's words. */
export function checkPair({ certFlag, cert, keyFlag, key }: PairFlags): void {
  const [certName, keyName] = [certFlag.replaceAll("-", " "), keyFlag.replaceAll("-", " ")];
  if (key !== "" && cert === "") {
    throw new UsageError(`cannot have ${certName} empty when ${keyName} is set to "${key}"`);
  }
  if (cert !== "" && key === "") {
    throw new UsageError(`cannot have ${keyName} empty when ${certName} is set to "${cert}"`);
  }
}

/** Throws a UsageError that names the flag when its file cannot be read. */
export async function checkFile(flag: string, path: string): Promise<void> {
  if (path === "") return;
  try {
    await readFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`Cannot use --${flag}=${path}: ${reason}`, { cause: error });
  }
}

/** OpenSSL's names of the TLS 1.2 suites that Go knows and considers secure. */
const opensslNames: Readonly<Record<string, string>> = {
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: "ECDHE-ECDSA-AES128-SHA",
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: "ECDHE-ECDSA-AES256-SHA",
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: "ECDHE-RSA-AES128-SHA",
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: "ECDHE-RSA-AES256-SHA",
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: "ECDHE-ECDSA-AES128-GCM-SHA256",
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: "ECDHE-ECDSA-AES256-GCM-SHA384",
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: "ECDHE-RSA-AES128-GCM-SHA256",
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: "ECDHE-RSA-AES256-GCM-SHA384",
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-RSA-CHACHA20-POLY1305",
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-ECDSA-CHACHA20-POLY1305",
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305: "ECDHE-RSA-CHACHA20-POLY1305",
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305: "ECDHE-ECDSA-CHACHA20-POLY1305",
};

/** Those of TLS 1.3 cannot be chosen in Go, so they always stay. */
const tls13Names = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
];

/** `--cipher-suites` as OpenSSL wants it; empty for its default. Throws a UsageError. */
export function cipherList(suites: readonly string[]): string {
  const names = suites.flatMap((suite) => {
    if (tls13Names.includes(suite)) return [];
    const name = opensslNames[suite];
    if (name !== undefined) return [name];
    throw new UsageError(
      `cipher suite ${suite} not supported, doesn't exist or considered as insecure`,
    );
  });
  return names.length === 0 ? "" : [...tls13Names, ...names].join(":");
}

/** `--tls-min-version`. Throws a UsageError for a version that is unknown or no longer safe. */
export function minTlsVersion(text: string): "TLSv1.2" | "TLSv1.3" {
  switch (text) {
    case "":
    case "VersionTLS12":
      return "TLSv1.2";
    case "VersionTLS13":
      return "TLSv1.3";
    default:
      throw new UsageError(
        `Cannot use --tls-min-version=${text}: expected VersionTLS12 or VersionTLS13`,
      );
  }
}
