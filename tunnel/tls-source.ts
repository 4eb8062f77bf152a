import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import {
  describeError,
  type Logger,
  type Runnable,
  silentLogger,
  type WatchedFiles,
  watchFiles,
} from "#runtime";

/** PEM texts. A certificate and its key come together or not at all. */
export interface TlsMaterial {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** Certificates that may change while we run. */
export interface TlsSource {
  readonly current: TlsMaterial;
  /** Calls back after each change. Returns the unsubscriber. */
  onChange(listener: (material: TlsMaterial) => void): () => void;
}

/** A source that never changes. */
export function fixedTls(material: TlsMaterial): TlsSource {
  return { current: material, onChange: () => () => undefined };
}

export interface TlsFiles {
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

export interface TlsFilesOptions {
  readonly log?: Logger;
  /** How often the files are looked at. Defaults to 10 seconds. */
  readonly intervalMs?: number;
  /**
   * Told when what the files hold becomes unusable, and why, and when it is fine again. Until then
   * the last good material stays in use.
   */
  readonly onFault?: (reason: string | undefined) => void;
}

const fieldOf = { caFile: "ca", certFile: "cert", keyFile: "key" } as const;

/**
 * Certificates from files, looked at again and again while `run` runs.
 *
 * Throws when they cannot be read or do not fit together now; later, what does not fit is logged
 * and the last good material stays in use.
 */
export async function loadTlsFiles(
  files: TlsFiles,
  options: TlsFilesOptions = {},
): Promise<TlsSource & Runnable> {
  const names = Object.keys(fieldOf) as (keyof TlsFiles)[];
  const given = names.flatMap((name) => {
    const path = files[name];
    return path === undefined || path === "" ? [] : [{ field: fieldOf[name], path }];
  });
  const paths = given.map(({ path }) => path).join(", ");
  const faults = new FaultTeller(paths, options);
  const watched = watchFiles(
    given.map(({ path }) => path),
    {
      ...(options.intervalMs === undefined ? {} : { intervalMs: options.intervalMs }),
      onLook: (failure) => faults.looked(failure),
    },
  );
  const read = (contents: readonly Buffer[]): TlsMaterial => {
    const named = given.map(({ field, path }, index) => ({ field, path, pem: contents[index] }));
    const material: TlsMaterial = Object.fromEntries(named.map(({ field, pem }) => [field, pem]));
    for (const { field, path, pem } of named) {
      if (field !== "key") checkCertificates(path, pem?.toString() ?? "");
    }
    checkMaterial(material, paths);
    return material;
  };
  return followFiles(watched, { first: read(await watched.load()), paths, read, faults }, options);
}

interface Followed {
  readonly first: TlsMaterial;
  readonly paths: string;
  /** Throws for what cannot be used. */
  readonly read: (contents: readonly Buffer[]) => TlsMaterial;
  readonly faults: FaultTeller;
}

/** Tells of a fault once, and of its end. */
class FaultTeller {
  readonly #paths: string;
  readonly #options: TlsFilesOptions;
  #unreadable: string | undefined;
  #unusable: string | undefined;
  #told: string | undefined;

  constructor(paths: string, options: TlsFilesOptions) {
    this.#paths = paths;
    this.#options = options;
  }

  looked(failure: Error | undefined): void {
    this.#unreadable = failure && describeError(failure);
    this.#tell();
  }

  judged(failure: unknown): void {
    this.#unusable = failure === undefined ? undefined : describeError(failure);
    this.#tell();
  }

  #tell(): void {
    const { log = silentLogger, onFault } = this.#options;
    const reason = this.#unreadable ?? this.#unusable;
    if (reason === this.#told) return;
    this.#told = reason;
    onFault?.(reason);
    if (reason === undefined) return;
    log.error("Cannot use changed certificates, keeping the old ones", {
      paths: this.#paths,
      error: reason,
    });
  }
}

function followFiles(
  watched: WatchedFiles,
  { first, paths, read, faults }: Followed,
  { log = silentLogger }: TlsFilesOptions,
): TlsSource & Runnable {
  const listeners = new Set<(material: TlsMaterial) => void>();
  let current = first;
  watched.onChange((contents) => {
    let next: TlsMaterial;
    try {
      next = read(contents);
    } catch (error) {
      faults.judged(error);
      return;
    }
    faults.judged(undefined);
    current = next;
    log.info("Certificates changed", { paths });
    for (const listener of listeners) listener(next);
  });
  return {
    name: "tls-files",
    get current() {
      return current;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    run: (signal) => watched.run(signal),
  };
}

const pemBlock = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Node takes a bundle without a single certificate for an empty one. */
function checkCertificates(path: string, pem: string): void {
  const blocks = pem.match(pemBlock) ?? [];
  if (blocks.length === 0) throw new Error(`${path} holds no certificate in PEM form`);
  for (const block of blocks) {
    try {
      void new X509Certificate(block);
    } catch (cause) {
      throw new Error(`${path} holds a certificate that cannot be read`, { cause });
    }
  }
}

function checkMaterial(material: TlsMaterial, paths: string): void {
  try {
    createSecureContext(material);
  } catch (cause) {
    throw new Error(`Cannot use certificates in ${paths}`, { cause });
  }
}
