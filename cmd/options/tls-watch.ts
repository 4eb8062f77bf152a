import { X509Certificate } from "node:crypto";
import { describeError, type Logger, type Metrics, type Runnable } from "#runtime";
import { loadTlsFiles, type TlsSource } from "#tunnel";
import { UsageError } from "./flags.ts";
import type { TellOwnPod } from "./own-pod.ts";

/** The flags that name the files of one listener or client, and their values. */
export type TlsFlags = Readonly<Partial<Record<"ca" | "cert" | "key", readonly [string, string]>>>;

/** Loads certificates and goes on watching them. */
export type WatchTls = (flags: TlsFlags) => Promise<TlsSource & Runnable>;

export interface TlsWatchOptions {
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly tell: TellOwnPod;
}

/**
 * Certificates of flags, with metrics of when they end and of whether what their files hold now can
 * be used. The function returned throws a UsageError that names the flags.
 */
export function createTlsWatch({ metrics, log, tell }: TlsWatchOptions): WatchTls {
  const watched = new Map<TlsFlags, TlsSource>();
  const refused = metrics.gauge({
    name: "spokeway_tls_files_refused",
    help: "1 while changed certificate files cannot be used and the last good ones are, by flag",
    labels: ["flag"],
  });
  const refusals = metrics.counter({
    name: "spokeway_tls_files_refusals_total",
    help: "How often changed certificate files could not be used, by flag",
    labels: ["flag"],
  });
  metrics.gauge({
    name: "spokeway_tls_certificate_not_after_seconds",
    help: "When the certificate of a flag ends, in seconds since 1970; of several CAs the last",
    labels: ["flag"],
    collect(gauge) {
      for (const [flags, source] of watched) {
        for (const part of ["ca", "cert"] as const) {
          const [name] = flags[part] ?? [];
          const pem = source.current[part];
          if (name !== undefined && pem) gauge.set(endSeconds(part, pem), { flag: name });
        }
      }
    },
  });
  return async (flags) => {
    const flag = (flags.cert ?? flags.ca ?? [""])[0];
    const onFault = (reason: string | undefined) => {
      refused.set(reason === undefined ? 0 : 1, { flag });
      if (reason === undefined) return;
      refusals.inc({ flag });
      tell("CertificateRefused", `Keeping the old certificates of --${flag}: ${reason}`);
    };
    const source = await load(flags, { log, onFault });
    refused.set(0, { flag });
    watched.set(flags, source);
    return source;
  };
}

async function load(flags: TlsFlags, options: Parameters<typeof loadTlsFiles>[1]) {
  const path = (part: keyof TlsFlags): string => flags[part]?.[1] ?? "";
  try {
    return await loadTlsFiles(
      { caFile: path("ca"), certFile: path("cert"), keyFile: path("key") },
      options,
    );
  } catch (error) {
    const given = Object.values(flags).filter(([, value]) => value !== "");
    const named = given.map(([name, value]) => `--${name}=${value}`).join(", ");
    throw new UsageError(`Cannot use ${named}: ${describeError(error)}`, { cause: error });
  }
}

const pemBlock = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Of a certificate with its chain the first ends it; CAs overlap, and the last one counts. */
function endSeconds(part: "ca" | "cert", pem: Buffer): number {
  const ends = (pem.toString().match(pemBlock) ?? []).map(
    (block) => new X509Certificate(block).validToDate.getTime() / 1000,
  );
  return part === "ca" ? Math.max(...ends) : (ends[0] ?? 0);
}
