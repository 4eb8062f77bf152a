import type { IncomingMessage } from "node:http";
import { apiVersionOf, type KubeObject, type ResourceType } from "#api";
import {
  type ClusterAccess,
  type ClusterAccessOptions,
  loadClusterAccess,
} from "./cluster-access.ts";
import { type Query, resourcePath, withQuery } from "./request.ts";
import { createTransport, type Transport } from "./transport.ts";

export interface ObjectKey {
  readonly name: string;
  /** For namespaced kinds. */
  readonly namespace?: string | undefined;
}

export interface ListOptions {
  /** Restricts to one namespace; without it, all. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface ListResult<Object> {
  readonly items: readonly Object[];
  readonly resourceVersion: string;
}

export interface WriteOptions {
  /** E.g. `status`, `approval`, `token`. */
  readonly subresource?: string | undefined;
  /** Checks everything and keeps nothing. Defaults to false. */
  readonly dryRun?: boolean;
}

export interface ApplyOptions extends WriteOptions {
  /** Who owns the fields. */
  readonly fieldManager: string;
  /** Takes fields over from other managers. Defaults to true, as controllers should. */
  readonly force?: boolean;
}

export interface DeleteOptions {
  /** Deletes only this incarnation. */
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  /** Checks everything and keeps nothing. Defaults to false. */
  readonly dryRun?: boolean;
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan";
}

/** What is written: an object without the fields that the server fills in. */
export type Manifest = KubeObject & Readonly<Record<string, unknown>>;

/**
 * Reads and writes the objects of one API server. Everything throws `ApiError`; nothing retries.
 */
export interface KubeClient {
  readonly access: ClusterAccess;
  get<T extends KubeObject>(type: ResourceType<T>, key: ObjectKey, signal: AbortSignal): Promise<T>;
  list<T extends KubeObject>(
    type: ResourceType<T>,
    options: ListOptions,
    signal: AbortSignal,
  ): Promise<ListResult<T>>;
  /** An open watch; see `createObjectCache` for what most callers want. */
  watch(
    type: ResourceType,
    options: ListOptions & { readonly resourceVersion: string; readonly timeoutSeconds: number },
    signal: AbortSignal,
  ): Promise<IncomingMessage>;
  create<T extends KubeObject>(
    type: ResourceType<T>,
    object: KubeObject,
    signal: AbortSignal,
    options?: WriteOptions & { readonly parent?: ObjectKey },
  ): Promise<T>;
  /** Replaces the object; its resourceVersion guards against lost updates. */
  replace<T extends KubeObject>(
    type: ResourceType<T>,
    object: KubeObject,
    signal: AbortSignal,
    options?: WriteOptions,
  ): Promise<T>;
  /** JSON merge patch: arrays are replaced whole, `null` removes. */
  mergePatch<T extends KubeObject>(
    type: ResourceType<T>,
    key: ObjectKey,
    patch: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
    options?: WriteOptions,
  ): Promise<T>;
  /** Server-side apply: creates, or changes the fields that are given. */
  apply<T extends KubeObject>(
    type: ResourceType<T>,
    object: KubeObject,
    signal: AbortSignal,
    options: ApplyOptions,
  ): Promise<T>;
  delete(
    type: ResourceType,
    key: ObjectKey,
    signal: AbortSignal,
    options?: DeleteOptions,
  ): Promise<void>;
  /** GET of any path, as text: `/version`, `/readyz`, a proxy subresource. */
  raw(path: string, signal: AbortSignal): Promise<string>;
  /** GET of any path, as JSON. */
  rawJson(path: string, signal: AbortSignal): Promise<unknown>;
}

export interface KubeClientOptions extends ClusterAccessOptions {
  /** Shown in the API server's audit log, e.g. `spokeway-controller`. */
  readonly userAgent: string;
}

/** A client for the cluster that the kubeconfig names, or that the pod runs in. */
export async function createKubeClient(options: KubeClientOptions): Promise<KubeClient> {
  const access = await loadClusterAccess(options);
  const transport = createTransport(access, { userAgent: options.userAgent });
  return { access, ...reads(transport), ...writes(transport) };
}

function reads(
  transport: Transport,
): Pick<KubeClient, "get" | "list" | "watch" | "raw" | "rawJson"> {
  return {
    async get(type, key, signal) {
      const path = resourcePath(type, key);
      return parse(type, await transport.json({ method: "GET", path }, signal));
    },
    async list(type, { namespace, ...selectors }, signal) {
      const path = withQuery(resourcePath(type, { namespace }), { ...selectors });
      const list = (await transport.json({ method: "GET", path }, signal)) as {
        readonly items?: readonly unknown[] | null;
        readonly metadata: { readonly resourceVersion?: string };
      };
      return {
        // Items of a list come without their type.
        items: (list.items ?? []).map((item) =>
          parse(type, { ...typeMeta(type), ...asRecord(item) }),
        ),
        resourceVersion: list.metadata.resourceVersion ?? "",
      };
    },
    watch(type, { namespace, ...options }, signal) {
      const query: Query = { ...options, watch: true, allowWatchBookmarks: true };
      const path = withQuery(resourcePath(type, { namespace }), query);
      return transport.stream({ method: "GET", path }, signal);
    },
    // Some paths have a media type of their own, and refuse who names another alone.
    raw: (path, signal) =>
      transport.text({ method: "GET", path, accept: "application/json, */*" }, signal),
    rawJson: (path, signal) => transport.json({ method: "GET", path }, signal),
  };
}

function writes(
  transport: Transport,
): Pick<KubeClient, "create" | "replace" | "mergePatch" | "apply" | "delete"> {
  return {
    async create(type, object, signal, { subresource, parent, dryRun } = {}) {
      const where = parent ?? { namespace: object.metadata.namespace };
      const path = withQuery(resourcePath(type, { ...where, subresource }), dryRunQuery(dryRun));
      const body = { ...typeMeta(type), ...object };
      return parse(type, await transport.json({ method: "POST", path, body }, signal));
    },
    async replace(type, object, signal, { subresource, dryRun } = {}) {
      const key = { ...keyOf(object), subresource };
      const path = withQuery(resourcePath(type, key), dryRunQuery(dryRun));
      const body = { ...object, ...typeMeta(type) };
      return parse(type, await transport.json({ method: "PUT", path, body }, signal));
    },
    async mergePatch(type, key, patch, signal, { subresource, dryRun } = {}) {
      const path = withQuery(resourcePath(type, { ...key, subresource }), dryRunQuery(dryRun));
      const contentType = "application/merge-patch+json";
      const request = { method: "PATCH", path, body: patch, contentType } as const;
      return parse(type, await transport.json(request, signal));
    },
    async apply(type, object, signal, { fieldManager, force = true, subresource, dryRun }) {
      const path = withQuery(resourcePath(type, { ...keyOf(object), subresource }), {
        fieldManager,
        force,
        ...dryRunQuery(dryRun),
      });
      const body = { ...object, ...typeMeta(type) };
      const contentType = "application/apply-patch+yaml";
      const request = { method: "PATCH", path, body, contentType } as const;
      return parse(type, await transport.json(request, signal));
    },
    async delete(type, key, signal, { uid, resourceVersion, propagationPolicy, dryRun } = {}) {
      const body = {
        kind: "DeleteOptions",
        apiVersion: "v1",
        propagationPolicy: propagationPolicy ?? "Background",
        // Beside a body, the query does not count.
        ...(dryRun === true ? { dryRun: ["All"] } : {}),
        ...(uid === undefined && resourceVersion === undefined
          ? {}
          : { preconditions: { uid, resourceVersion } }),
      };
      await transport.text({ method: "DELETE", path: resourcePath(type, key), body }, signal);
    },
  };
}

function dryRunQuery(dryRun = false): Query {
  return dryRun ? { dryRun: "All" } : {};
}

function keyOf({ metadata }: KubeObject): ObjectKey {
  return { name: metadata.name, namespace: metadata.namespace };
}

function typeMeta(type: ResourceType): { readonly apiVersion: string; readonly kind: string } {
  return { apiVersion: apiVersionOf(type), kind: type.kind };
}

function parse<T extends KubeObject>(type: ResourceType<T>, input: unknown): T {
  return type.parse === undefined ? (input as T) : type.parse(input);
}

function asRecord(item: unknown): Readonly<Record<string, unknown>> {
  return item as Readonly<Record<string, unknown>>;
}
