import type { ClusterGateway, Secret } from "#api";
import type { Logger } from "#runtime";
import {
  type ClusterFault,
  clusterGatewayOf,
  type ViewOptions,
} from "../objects/cluster-gateway.ts";
import { type ChangeLog, createChangeLog } from "./change-log.ts";
import type { Cluster } from "./cluster.ts";
import type { ClusterOrigin, ClusterSource } from "./cluster-source.ts";
import { ConversionError, convertCluster, isNewer } from "./convert.ts";

/** What is known under a cluster's name. */
export type Lookup =
  | { readonly kind: "ready"; readonly cluster: Cluster }
  /** Its Secret cannot be used; `why` says what is wrong with it. */
  | { readonly kind: "unusable"; readonly why: string }
  /** It is known, but its Secret is not there, or holds no token yet. */
  | { readonly kind: "pending"; readonly why: string }
  | { readonly kind: "unknown" };

export interface ClusterStoreOptions extends ViewOptions {
  readonly origin: ClusterOrigin;
  readonly log: Logger;
  /** Called when a Secret turns out to make no cluster, and why. */
  readonly onFault?: (secret: Secret, why: string) => void;
  readonly now?: () => Date;
}

/** All clusters, converted when something changes and never when someone asks. */
export interface ClusterStore {
  find(name: string): Lookup;
  /** The cluster as the API shows it, also one that cannot be used. */
  shown(name: string): ClusterGateway | undefined;
  /** All that are shown, by name. */
  list(): readonly ClusterGateway[];
  readonly changes: ChangeLog<ClusterGateway>;
  /**
   * Up to which version of the hub the store knows; a watch may go on from here. Versions are those
   * of the Secrets, the same in every replica.
   */
  version(): string;
  /** Calls back for a cluster that changed or went. */
  onChange(listener: (name: string, cluster: Cluster | undefined) => void): void;
  /** Why nothing can be said yet, or `undefined`. */
  reasonNotReady(): string | undefined;
}

interface Entry {
  readonly lookup: Exclude<Lookup, { kind: "unknown" }>;
  readonly fault: ClusterFault | undefined;
  readonly gateway: ClusterGateway;
}

/** Makes a store that follows its origin from now on. */
export function createClusterStore(options: ClusterStoreOptions): ClusterStore {
  return new CachedClusters(options);
}

class CachedClusters implements ClusterStore {
  readonly changes: ChangeLog<ClusterGateway>;
  readonly #options: ClusterStoreOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(name: string, cluster: Cluster | undefined) => void>();
  #startVersion: string | undefined;

  constructor(options: ClusterStoreOptions) {
    this.#options = options;
    this.changes = createChangeLog(() => this.#startVersion ?? this.version());
    options.origin.onChange((name, isOfSecret) => this.#update(name, isOfSecret));
  }

  version(): string {
    const version = this.#options.origin.version();
    // From the first version that anybody was told, no change is forgotten.
    if (this.reasonNotReady() === undefined) this.#startVersion ??= version;
    return version;
  }

  find(name: string): Lookup {
    const entry = this.#entries.get(name);
    if (entry !== undefined) return entry.lookup;
    const found = this.#options.origin.find(name);
    // A moment ago it was not there, or it would have an entry.
    return found.kind === "found" ? { kind: "pending", why: "it was just made" } : found;
  }

  shown(name: string): ClusterGateway | undefined {
    return this.#entries.get(name)?.gateway;
  }

  list(): readonly ClusterGateway[] {
    return [...this.#entries.values()]
      .map(({ gateway }) => gateway)
      .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  }

  onChange(listener: (name: string, cluster: Cluster | undefined) => void): void {
    this.#listeners.add(listener);
  }

  reasonNotReady(): string | undefined {
    return this.#options.origin.reasonNotReady();
  }

  #update(name: string, isOfSecret: boolean): void {
    const before = this.#entries.get(name);
    const converted = this.#convert(name, before);
    // OCM renews conditions of ManagedClusters all the time, which is nothing to us.
    if (!isOfSecret && isSame(before, converted)) return;
    const own = isOfSecret ? converted?.gateway.metadata.resourceVersion : undefined;
    const resourceVersion = own ?? this.version();
    const after = converted && withVersion(converted, resourceVersion);
    if (after === undefined) this.#entries.delete(name);
    else this.#entries.set(name, after);
    for (const listener of this.#listeners) listener(name, clusterOf(after));
    this.#record(before, after, resourceVersion, !isOfSecret);
  }

  #convert(name: string, before: Entry | undefined): Entry | undefined {
    const found = this.#options.origin.find(name);
    if (found.kind !== "found") return undefined;
    const { source } = found;
    try {
      const cluster = convertCluster(source);
      const gateway = clusterGatewayOf(source, cluster, this.#options);
      return { lookup: { kind: "ready", cluster }, fault: undefined, gateway };
    } catch (error) {
      if (!(error instanceof ConversionError)) throw error;
      return this.#faulty(source, error, before?.fault);
    }
  }

  #faulty(
    source: ClusterSource,
    { code, message: why }: ConversionError,
    before?: ClusterFault,
  ): Entry {
    const { now = () => new Date() } = this.#options;
    const fault = { code, why, since: before?.since ?? now() };
    if (code === "bad" && before?.why !== why) this.#tell(source, why);
    const kind = code === "pending" ? "pending" : "unusable";
    return { lookup: { kind, why }, fault, gateway: clusterGatewayOf(source, fault) };
  }

  #tell({ name: cluster, secret }: ClusterSource, error: string): void {
    this.#options.log.error("Cannot use cluster", { cluster, error });
    this.#options.onFault?.(secret, error);
  }

  #record(
    { gateway: before }: Partial<Entry> = {},
    { gateway: after }: Partial<Entry> = {},
    resourceVersion: string,
    isOutOfOrder: boolean,
  ): void {
    const item = after ?? before;
    // What was there when we first listed is no change to anybody.
    if (item === undefined || this.reasonNotReady() !== undefined) return;
    const type = before === undefined ? "ADDED" : after === undefined ? "DELETED" : "MODIFIED";
    this.changes.append({ type, item, before, resourceVersion, isOutOfOrder });
  }
}

function clusterOf(entry: Entry | undefined): Cluster | undefined {
  return entry?.lookup.kind === "ready" ? entry.lookup.cluster : undefined;
}

function withVersion(entry: Entry, resourceVersion: string): Entry {
  const { gateway } = entry;
  if (!isNewer(resourceVersion, gateway.metadata.resourceVersion ?? "")) return entry;
  return { ...entry, gateway: { ...gateway, metadata: { ...gateway.metadata, resourceVersion } } };
}

function isSame(a: Entry | undefined, b: Entry | undefined): boolean {
  const content = (entry: Entry | undefined) => {
    if (entry === undefined) return "";
    const { lookup, gateway } = entry;
    return JSON.stringify([lookup, gateway.spec, gateway.status, gateway.metadata.labels]);
  };
  return content(a) === content(b);
}
