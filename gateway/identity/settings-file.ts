import type { IdentityMode } from "#api";
import { describeError, type Logger, type Runnable, watchFiles } from "#runtime";
import {
  defaultSettings,
  faultsOf,
  IdentityConfigurationError,
  type IdentitySettings,
  parseSettings,
} from "./configuration.ts";

/** Settings that may change while we run. */
export interface IdentitySource extends Runnable {
  readonly current: IdentitySettings;
}

export interface IdentitySourceOptions {
  /** Upstream's document; without it, the mode alone counts. */
  readonly file?: string | undefined;
  /** Holds where the document says nothing. */
  readonly mode: IdentityMode;
  readonly log: Logger;
  /** How often the file is looked at. Defaults to 10 seconds. */
  readonly intervalMs?: number;
}

/**
 * Reads the settings, and again whenever the file has changed while `run` runs. Throws when it
 * cannot be used now; later, what cannot be used is logged and the last settings stay.
 */
export async function loadIdentitySettings({
  file,
  mode,
  log,
  intervalMs = 10_000,
}: IdentitySourceOptions): Promise<IdentitySource> {
  const watched = watchFiles(file === undefined ? [] : [file], { intervalMs });
  const parse = ([content]: readonly Buffer[]): IdentitySettings => {
    if (content === undefined) return defaultSettings(mode);
    // A file that is caught while it is written must not count as one that asks for nothing.
    if (content.length === 0)
      throw new IdentityConfigurationError(`Cannot use ${file}: it is empty`);
    const settings = parseSettings(content.toString("utf8"), mode, file ?? "");
    for (const fault of faultsOf(settings.rules)) {
      log.error("Identity rule cannot be used", { fault });
    }
    return settings;
  };
  let current = parse(await watched.load());
  watched.onChange((contents) => {
    try {
      current = parse(contents);
      log.info("Identity settings changed", { file });
    } catch (error) {
      log.error("Cannot use changed identity settings, keeping the old ones", {
        error: describeError(error),
      });
    }
  });
  return {
    name: "identity-settings",
    get current() {
      return current;
    },
    run: (signal) => watched.run(signal),
  };
}
