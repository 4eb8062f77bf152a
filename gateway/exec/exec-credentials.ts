import { basename } from "node:path";
import { describeError, type Logger } from "#runtime";
import { GatewayError } from "../answers/gateway-error.ts";
import type { Cluster, ExecConfig, ReadyCredential } from "../clusters/cluster.ts";
import { type IssuedCredential, readExecOutput } from "./exec-output.ts";
import { type RunOptions, runCommand } from "./run-command.ts";

/** What the operator of the gateway lets Secrets ask for. Nothing, unless told otherwise. */
export interface ExecPolicy {
  /** Absolute paths of programs. */
  readonly allowedCommands: readonly string[];
  /** Names of environment variables that a Secret may set. */
  readonly allowedVariables: readonly string[];
}

export interface ExecCredentialsOptions {
  readonly policy: ExecPolicy;
  readonly log: Logger;
  readonly run?: (options: RunOptions) => Promise<string>;
  readonly now?: () => number;
}

/** The credentials of clusters of type Dynamic, each kept for as long as it counts. */
export interface ExecCredentials {
  /**
   * The credential for requests to a cluster now. Throws a GatewayError `cluster_unusable` when the
   * command is not allowed, `cluster_not_ready` when it fails.
   */
  of(cluster: Cluster, exec: ExecConfig): ReadyCredential | Promise<ReadyCredential>;
  forget(cluster: string): void;
}

/** A credential is not used in its last minute, as upstream has it. */
const marginMs = 60_000;
/** How long one without an end is kept: its issuer knows of revocations, we do not. */
const unboundedMs = 60_000;
/** A command that failed is not run again at once, however many requests wait for it. */
const failureMs = 5_000;
/** Commands that run at once; the others wait. */
const maxRunning = 8;

interface Entry {
  readonly key: string;
  readonly until: number;
  readonly result: Promise<ReadyCredential>;
  /** Set once it is there, so that the usual request does not wait. */
  credential?: ReadyCredential;
}

/** Makes an empty set. Commands run when a request needs them. */
export function createExecCredentials(options: ExecCredentialsOptions): ExecCredentials {
  return new CachedExecCredentials(options);
}

class CachedExecCredentials implements ExecCredentials {
  readonly #options: ExecCredentialsOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #queue: (() => void)[] = [];
  #running = 0;

  constructor(options: ExecCredentialsOptions) {
    this.#options = options;
  }

  of({ name }: Cluster, exec: ExecConfig): ReadyCredential | Promise<ReadyCredential> {
    const key = JSON.stringify(exec);
    const known = this.#entries.get(name);
    if (known?.key === key && this.#now() < known.until) return known.credential ?? known.result;
    const program = programOf(name, exec, this.#options.policy);
    const result = this.#issue(name, key, { program, config: exec });
    this.#entries.set(name, { key, until: Number.POSITIVE_INFINITY, result });
    return result;
  }

  forget(cluster: string): void {
    this.#entries.delete(cluster);
  }

  async #issue(name: string, key: string, options: RunOptions): Promise<ReadyCredential> {
    try {
      const { credential, expiresAt } = await this.#limited(options);
      const until =
        expiresAt === undefined ? this.#now() + unboundedMs : expiresAt.getTime() - marginMs;
      this.#keep(name, { key, until, result: Promise.resolve(credential), credential });
      return credential;
    } catch (cause) {
      const why = describeError(cause);
      this.#options.log.warn("Command of cluster failed", { cluster: name, error: why });
      const failure = new GatewayError(
        "cluster_not_ready",
        `Cannot reach cluster "${name}": no credential: ${why}. See key exec of its Secret`,
        { cause, details: { name, resource: "clustergateways" } },
      );
      const result = Promise.reject<ReadyCredential>(failure);
      // Whoever asks in the meantime hears of it; nobody may.
      result.catch(() => undefined);
      this.#keep(name, { key, until: this.#now() + failureMs, result });
      throw failure;
    }
  }

  /** Unless the Secret has changed, or gone, while the command ran. */
  #keep(name: string, entry: Entry): void {
    if (this.#entries.get(name)?.key === entry.key) this.#entries.set(name, entry);
  }

  async #limited(options: RunOptions): Promise<IssuedCredential> {
    if (this.#running >= maxRunning) {
      await new Promise<void>((resolve) => this.#queue.push(resolve));
    }
    this.#running += 1;
    try {
      const { run = runCommand } = this.#options;
      return readExecOutput(await run(options), options.config);
    } finally {
      this.#running -= 1;
      this.#queue.shift()?.();
    }
  }

  #now(): number {
    return this.#options.now?.() ?? Date.now();
  }
}

/** The allowed program that a Secret means, by its path or by its name alone. Throws a GatewayError. */
export function programOf(
  cluster: string,
  { command, env }: ExecConfig,
  { allowedCommands, allowedVariables }: ExecPolicy,
): string {
  const program = allowedCommands.find(
    (path) => path === command || (!command.includes("/") && basename(path) === command),
  );
  const refuse = (why: string) =>
    new GatewayError("cluster_unusable", `Cannot reach cluster "${cluster}": ${why}`, {
      details: { name: cluster, resource: "clustergateways" },
    });
  if (program === undefined) {
    throw refuse(
      `the command in key exec of its Secret is not allowed: see --exec-allowed-commands of the gateway`,
    );
  }
  const forbidden = env.find(({ name }) => !allowedVariables.includes(name));
  if (forbidden === undefined) return program;
  throw refuse(
    `variable ${forbidden.name} in key exec of its Secret is not allowed: see --exec-allowed-variables of the gateway`,
  );
}
