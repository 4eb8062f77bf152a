import type { ManagedCluster, Secret } from "#api";
import type { ObjectCache } from "#kube";
import { describeError, type Logger } from "#runtime";
import { type ChangeLog, createChangeLog } from "./change-log.ts";
import type { Cluster } from "./cluster.ts";
import { ConversionError, convertCluster, isNewer } from "./convert.ts";

/** What is known under a cluster's name. */
export type Lookup =
  | { readonly kind: "ready"; readonly cluster: Cluster }
  /** Its Secret cannot be used; `why` says what is wrong with it. */
  | { readonly kind: "unusable"; readonly why: string }
  /** It is known, but its Secret is not there, or holds no token yet. */
  | { readonly kind: "pending"; readonly why: string }
  | { readonly kind: "unknown" };

type Caches<T extends Secret | ManagedCluster> = Pick<
  ObjectCache<T>,
  "get" | "list" | "onChange" | "resourceVersion" | "isSynced"
>;

export interface ClusterStoreOptions {
  readonly secrets: Caches<Secret>;
  /** Without it, Secrets alone count. */
  readonly managedClusters?: Caches<ManagedCluster> | undefined;
  readonly secretNamespace: string;
  readonly log: Logger;
}

/** All clusters, converted when something changes and never when someone asks. */
export interface ClusterStore {
  find(name: string): Lookup;
  /** The usable ones, by name. */
  list(): readonly Cluster[];
  readonly changes: ChangeLog<Cluster>;
  /** Up to which version of the hub the store knows; a watch may go on from here. */
  version(): string;
  /** Calls back for a cluster that changed or went. */
  onChange(listener: (name: string, cluster: Cluster | undefined) => void): void;
  /** Why nothing can be said yet, or `undefined`. */
  reasonNotReady(): string | undefined;
}

type Entry = Exclude<Lookup, { kind: "unknown" }>;

/** Makes a store that follows the caches from now on. */
export function createClusterStore(options: ClusterStoreOptions): ClusterStore {
  return new CachedClusters(options);
}

class CachedClusters implements ClusterStore {
  readonly changes: ChangeLog<Cluster>;
  readonly #options: ClusterStoreOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(name: string, cluster: Cluster | undefined) => void>();
  #startVersion: string | undefined;

  constructor(options: ClusterStoreOptions) {
    this.#options = options;
    this.changes = createChangeLog(() => this.#startVersion ?? this.version());
    options.secrets.onChange(({ after, before }) => {
      this.#update((after ?? before)?.metadata.name ?? "");
    });
    options.managedClusters?.onChange(({ key }) => this.#update(key));
  }

  version(): string {
    const { secrets, managedClusters } = this.#options;
    const other = managedClusters?.resourceVersion ?? "";
    const version = isNewer(other, secrets.resourceVersion) ? other : secrets.resourceVersion;
    // From the first version that anybody was told, no change is forgotten.
    if (this.reasonNotReady() === undefined) this.#startVersion ??= version;
    return version;
  }

  find(name: string): Lookup {
    const entry = this.#entries.get(name);
    if (entry !== undefined) return entry;
    const isManaged = this.#options.managedClusters?.get(name) !== undefined;
    return isManaged ? { kind: "pending", why: "it does not exist" } : { kind: "unknown" };
  }

  list(): readonly Cluster[] {
    return [...this.#entries.values()]
      .flatMap((entry) => (entry.kind === "ready" ? [entry.cluster] : []))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  onChange(listener: (name: string, cluster: Cluster | undefined) => void): void {
    this.#listeners.add(listener);
  }

  reasonNotReady(): string | undefined {
    const { secrets, managedClusters } = this.#options;
    if (!secrets.isSynced) return "Secrets of clusters are not listed yet";
    return managedClusters?.isSynced === false ? "ManagedClusters are not listed yet" : undefined;
  }

  #update(name: string): void {
    const before = this.#clusterOf(this.#entries.get(name));
    const entry = this.#convert(name);
    // OCM renews conditions of ManagedClusters all the time, which is nothing to us.
    if (entry?.kind === "ready" && before !== undefined && isSame(before, entry.cluster)) return;
    if (entry === undefined) this.#entries.delete(name);
    else this.#entries.set(name, entry);
    const after = this.#clusterOf(entry);
    for (const listener of this.#listeners) listener(name, after);
    // What was there when we first listed is no change to anybody.
    if (this.reasonNotReady() === undefined) this.#record(before, after);
  }

  #clusterOf(entry: Entry | undefined): Cluster | undefined {
    return entry?.kind === "ready" ? entry.cluster : undefined;
  }

  #convert(name: string): Entry | undefined {
    const { secrets, managedClusters, secretNamespace, log } = this.#options;
    const secret = secrets.get(`${secretNamespace}/${name}`);
    if (secret === undefined) return undefined;
    try {
      const cluster = convertCluster(secret, managedClusters?.get(name));
      return { kind: "ready", cluster };
    } catch (error) {
      if (!(error instanceof ConversionError)) throw error;
      log.error("Cannot use cluster", { cluster: name, error: describeError(error) });
      const kind = error.code === "pending" ? "pending" : "unusable";
      return { kind, why: error.message };
    }
  }

  #record(before: Cluster | undefined, after: Cluster | undefined): void {
    const item = after ?? before;
    if (item === undefined) return;
    const resourceVersion = after?.resourceVersion ?? this.version();
    const type = before === undefined ? "ADDED" : after === undefined ? "DELETED" : "MODIFIED";
    this.changes.append({ type, item, resourceVersion });
  }
}

function isSame(a: Cluster, b: Cluster): boolean {
  const content = (cluster: Cluster) => JSON.stringify({ ...cluster, resourceVersion: "" });
  return content(a) === content(b);
}
