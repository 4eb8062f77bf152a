import { createSecureContext } from "node:tls";
import { type Logger, type Runnable, silentLogger, type WatchedFiles, watchFiles } from "#runtime";

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
  /** Told of each look that found something unusable; the last good material stays in use. */
  readonly onRefused?: () => void;
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
  const watched = watchFiles(
    given.map(({ path }) => path),
    options.intervalMs === undefined ? {} : { intervalMs: options.intervalMs },
  );
  const paths = given.map(({ path }) => path).join(", ");
  const materialOf = (contents: readonly Buffer[]): TlsMaterial =>
    Object.fromEntries(given.map(({ field }, index) => [field, contents[index]]));
  const first = materialOf(await watched.load());
  checkMaterial(first, paths);
  return followFiles(watched, { first, paths, materialOf }, options);
}

interface Followed {
  readonly first: TlsMaterial;
  readonly paths: string;
  readonly materialOf: (contents: readonly Buffer[]) => TlsMaterial;
}

function followFiles(
  watched: WatchedFiles,
  { first, paths, materialOf }: Followed,
  { log = silentLogger, onRefused }: TlsFilesOptions,
): TlsSource & Runnable {
  const listeners = new Set<(material: TlsMaterial) => void>();
  let current = first;
  watched.onChange((contents) => {
    const next = materialOf(contents);
    try {
      checkMaterial(next, paths);
    } catch (error) {
      log.error("Cannot use changed certificates, keeping the old ones", { paths, error });
      onRefused?.();
      return;
    }
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

function checkMaterial(material: TlsMaterial, paths: string): void {
  try {
    createSecureContext(material);
  } catch (cause) {
    throw new Error(`Cannot use certificates in ${paths}`, { cause });
  }
}
