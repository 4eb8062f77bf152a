import { isDeepStrictEqual } from "node:util";
import {
  type ClusterGateway,
  clusterGateways,
  clusterSecretLabels,
  type ManagedCluster,
  type ObjectMeta,
  type Secret,
  secrets,
} from "#api";
import type { KubeClient, ObjectCache } from "#kube";
import { sleep } from "#runtime";
import { GatewayError } from "../answers/gateway-error.ts";
import type { ClusterStore } from "../clusters/cluster-store.ts";
import { ConversionError, convertCluster, isNewer } from "../clusters/convert.ts";
import { secretSource } from "../clusters/secret-origin.ts";
import { clusterGatewayOf, type ViewOptions } from "./cluster-gateway.ts";
import type { ClusterGatewayInput } from "./cluster-gateway-input.ts";
import { hubRefusal } from "./hub-refusal.ts";
import { missingFrom, type SecretContent, secretContentOf } from "./secret-of.ts";

export interface WriterOptions extends ViewOptions {
  readonly clusters: Pick<ClusterStore, "shown">;
  readonly secrets: Pick<ObjectCache<Secret>, "get">;
  readonly managedClusters: Pick<ObjectCache<ManagedCluster>, "get"> | undefined;
  readonly secretNamespace: string;
  readonly client: Pick<KubeClient, "create" | "replace" | "apply" | "delete">;
}

/** What a client said about its write, beside the object. */
export interface WriteRequest {
  readonly isDryRun: boolean;
  readonly signal: AbortSignal;
}

export interface ApplyRequest extends WriteRequest {
  readonly fieldManager: string;
  readonly force: boolean;
}

export interface DeleteRequest extends WriteRequest {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan" | undefined;
}

/**
 * Keeps ClusterGateways as the Secrets that upstream reads. Each method throws a GatewayError, and
 * returns once the gateway itself shows what was written.
 */
export interface ClusterGatewayWriter {
  create(input: ClusterGatewayInput, request: WriteRequest): Promise<ClusterGateway>;
  /** Replaces what can be seen of `name`. A resourceVersion in the input guards it. */
  update(name: string, input: ClusterGatewayInput, request: WriteRequest): Promise<ClusterGateway>;
  /** Server-side apply, with the hub's record of who owns which field. */
  apply(
    name: string,
    input: ClusterGatewayInput,
    request: ApplyRequest,
  ): Promise<{ readonly gateway: ClusterGateway; readonly isNew: boolean }>;
  delete(name: string, request: DeleteRequest): Promise<ClusterGateway>;
}

/** Makes a writer. */
export function createClusterGatewayWriter(options: WriterOptions): ClusterGatewayWriter {
  return new SecretWriter(options);
}

class SecretWriter implements ClusterGatewayWriter {
  readonly #options: WriterOptions;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  async create(input: ClusterGatewayInput, request: WriteRequest): Promise<ClusterGateway> {
    const { name, generateName } = input.metadata;
    if (name === undefined && generateName === undefined) {
      throw invalid("", [required("metadata.name", "name or generateName is required")]);
    }
    const secret = this.#secretOf(name ?? "", input, undefined);
    const named = {
      ...secret,
      metadata: { ...secret.metadata, ...(name === undefined ? { name: "", generateName } : {}) },
    };
    const { signal, isDryRun: dryRun } = request;
    return this.#written(request, name ?? `${generateName}…`, () =>
      this.#options.client.create(secrets, named, signal, { dryRun }),
    );
  }

  async update(
    name: string,
    input: ClusterGatewayInput,
    request: WriteRequest,
  ): Promise<ClusterGateway> {
    const { secret: present, gateway } = this.#present(name);
    checkSame(name, input.metadata, gateway.metadata);
    const isSame = isSameSpec(input, gateway);
    if (!isSame) refuseForeign(present, "changed");
    const secret = isSame ? withMetadataOf(input, present) : this.#secretOf(name, input, present);
    const { signal, isDryRun: dryRun } = request;
    return this.#written(request, name, () =>
      this.#options.client.replace(secrets, secret, signal, { dryRun }),
    );
  }

  async apply(name: string, input: ClusterGatewayInput, request: ApplyRequest) {
    const present = this.#options.secrets.get(this.#keyOf(name));
    const gateway = this.#options.clusters.shown(name);
    if (gateway !== undefined) checkSame(name, input.metadata, gateway.metadata);
    if (present !== undefined && !isSameSpec(input, gateway)) refuseForeign(present, "changed");
    const merged = this.#checked(name, input, present);
    const { labels, annotations, data: given } = secretContentOf(input, undefined);
    // What the client did not give is not applied, lest it come to own what it does not know.
    const data = Object.fromEntries(
      Object.entries(merged.data).filter(([key]) => Object.hasOwn(given, key)),
    );
    const metadata = {
      name,
      namespace: this.#options.secretNamespace,
      labels,
      // An empty map is a field of its own, which two would quarrel about.
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    };
    const object: Secret = { metadata, type: "Opaque", data };
    const { fieldManager, force, signal } = request;
    const applied = (dryRun: boolean) => async () =>
      this.#options.client.apply(secrets, object, signal, { fieldManager, force, dryRun });
    // Fields that the client no longer gives go, and with them maybe what makes the cluster usable.
    const tried = await this.#written({ ...request, isDryRun: true }, name, applied(true));
    const [fault] = tried.status.conditions ?? [];
    if (fault !== undefined) {
      throw invalid(name, [
        { reason: "FieldValueInvalid", field: "spec.access", message: fault.message },
      ]);
    }
    const written = request.isDryRun ? tried : await this.#written(request, name, applied(false));
    return { gateway: written, isNew: present === undefined };
  }

  async delete(name: string, request: DeleteRequest): Promise<ClusterGateway> {
    const { secret, gateway } = this.#present(name);
    checkSame(name, request, gateway.metadata);
    refuseForeign(secret, "deleted");
    const { uid, resourceVersion } = secret.metadata;
    const { isDryRun: dryRun, propagationPolicy, signal } = request;
    try {
      await this.#options.client.delete(secrets, secret.metadata, signal, {
        uid,
        dryRun,
        ...(request.resourceVersion === undefined ? {} : { resourceVersion }),
        ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
      });
    } catch (error) {
      throw hubRefusal(error, name);
    }
    const isGone = () => this.#options.secrets.get(this.#keyOf(name))?.metadata.uid !== uid;
    const hasFinalizers = (secret.metadata.finalizers ?? []).length > 0;
    if (!dryRun && !hasFinalizers) await until(isGone, signal);
    return gateway;
  }

  #keyOf(name: string): string {
    return `${this.#options.secretNamespace}/${name}`;
  }

  #present(name: string): { readonly secret: Secret; readonly gateway: ClusterGateway } {
    const secret = this.#options.secrets.get(this.#keyOf(name));
    const gateway = this.#options.clusters.shown(name);
    if (secret !== undefined && gateway !== undefined) return { secret, gateway };
    throw new GatewayError(
      "not_found",
      `${clusterGateways.plural}.${clusterGateways.group} "${name}" not found`,
      {
        details: { name, resource: clusterGateways.plural },
      },
    );
  }

  #checked(name: string, input: ClusterGatewayInput, present: Secret | undefined): SecretContent {
    const content = secretContentOf(input, present);
    const faults = missingFrom(content);
    if (faults.length > 0) throw invalid(name, faults);
    return content;
  }

  #secretOf(name: string, input: ClusterGatewayInput, present: Secret | undefined): Secret {
    const content = this.#checked(name, input, present);
    const { labels, annotations, data } = content;
    return {
      ...present,
      metadata: {
        ...present?.metadata,
        name,
        namespace: this.#options.secretNamespace,
        labels,
        annotations,
      },
      type: present?.type ?? "Opaque",
      data,
    };
  }

  async #written(
    { isDryRun, signal }: WriteRequest,
    name: string,
    write: () => Promise<Secret>,
  ): Promise<ClusterGateway> {
    let saved: Secret;
    try {
      saved = await write();
    } catch (error) {
      throw hubRefusal(error, name);
    }
    if (!isDryRun) await until(() => this.#shows(saved), signal);
    return this.#view(saved);
  }

  #shows({ metadata: { name, uid, resourceVersion = "" } }: Secret): boolean {
    const known = this.#options.secrets.get(this.#keyOf(name))?.metadata;
    return known?.uid === uid && !isNewer(resourceVersion, known?.resourceVersion ?? "");
  }

  #view(secret: Secret): ClusterGateway {
    const { managedClusters } = this.#options;
    const source = secretSource(secret, managedClusters?.get(secret.metadata.name));
    try {
      return clusterGatewayOf(source, convertCluster(source), this.#options);
    } catch (error) {
      if (!(error instanceof ConversionError)) throw error;
      const { code, message: why } = error;
      return clusterGatewayOf(source, { code, why, since: new Date() });
    }
  }
}

/** Longer than any watch lags behind; who waits in vain has its answer all the same. */
const settleMs = 2000;

/** Waits until the cache has heard of a write, so that whoever reads next finds it. */
async function until(isSo: () => boolean, signal: AbortSignal): Promise<void> {
  for (let waited = 0; waited < settleMs && !isSo(); waited += 10) await sleep(10, signal);
}

function isSameSpec(input: ClusterGatewayInput, gateway: ClusterGateway | undefined): boolean {
  return isDeepStrictEqual({ provider: "", ...input.spec }, gateway?.spec);
}

/** The Secret with the labels and annotations of an input, and nothing else changed. */
function withMetadataOf(input: ClusterGatewayInput, present: Secret): Secret {
  const { labels, annotations } = secretContentOf(input, present);
  const declared = present.metadata.labels?.[clusterSecretLabels.endpointType];
  const { [clusterSecretLabels.endpointType]: _derived, ...rest } = labels;
  const type = declared === undefined ? {} : { [clusterSecretLabels.endpointType]: declared };
  return {
    ...present,
    metadata: { ...present.metadata, labels: { ...rest, ...type }, annotations },
  };
}

/** The guards of a write: both name the version and the incarnation that the client has seen. */
function checkSame(
  name: string,
  { uid, resourceVersion }: Pick<Partial<ObjectMeta>, "uid" | "resourceVersion">,
  present: ObjectMeta,
): void {
  const is = `${clusterGateways.plural}.${clusterGateways.group} "${name}"`;
  const conflict = (why: string) =>
    new GatewayError("conflict", `Operation cannot be fulfilled on ${is}: ${why}`, {
      details: { name, resource: clusterGateways.plural },
    });
  if (uid !== undefined && uid !== "" && uid !== present.uid) {
    throw conflict(
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${present.uid ?? ""}`,
    );
  }
  if (resourceVersion === undefined || resourceVersion === "") return;
  if (resourceVersion === present.resourceVersion) return;
  throw conflict(
    "the object has been modified; please apply your changes to the latest version and try again",
  );
}

const managedBy = "app.kubernetes.io/managed-by";

/** A credential that the addon brings would be brought back at once. */
function refuseForeign(present: Secret, done: string): void {
  if (!isMadeByAddon(present)) return;
  const { name } = present.metadata;
  throw new GatewayError(
    "forbidden",
    `${clusterGateways.plural}.${clusterGateways.group} "${name}" is forbidden: it cannot be ${done} here, since the addon cluster-gateway keeps it. Remove ManagedClusterAddOn ${name}/cluster-gateway; labels and annotations can be changed`,
    { details: { name, resource: clusterGateways.plural } },
  );
}

function isMadeByAddon({ metadata: { labels = {}, ownerReferences = [] } }: Secret): boolean {
  return (
    labels[managedBy] === "spokeway" ||
    ownerReferences.some(
      ({ kind }) => kind === "ClusterGatewayConfiguration" || kind === "ClusterManagementAddOn",
    )
  );
}

function required(field: string, message: string) {
  return { reason: "FieldValueRequired", field, message: `Required value: ${message}` } as const;
}

/** The error for a ClusterGateway with faults in its fields. */
export function invalid(
  name: string,
  causes: readonly NonNullable<GatewayError["details"]["causes"]>[number][],
): GatewayError {
  const list = causes.map(({ field = "", message }) => `${field}: ${message}`);
  const text = list.length === 1 ? (list[0] ?? "") : `[${list.join(", ")}]`;
  return new GatewayError(
    "invalid",
    `${clusterGateways.kind}.${clusterGateways.group} "${name}" is invalid: ${text}`,
    { details: { name, resource: clusterGateways.kind, causes } },
  );
}
