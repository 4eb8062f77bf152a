import { createHash } from "node:crypto";
import { parse } from "yaml";
import {
  type ClusterGateway,
  type Condition,
  clusterGatewayUsable,
  clusterSecretAnnotations,
  endpointTypes,
  lastAppliedAnnotation,
  type ObjectMeta,
  timestamp,
} from "#api";
import type { Cluster, Credential, Endpoint } from "../clusters/cluster.ts";
import type { ClusterSource } from "../clusters/cluster-source.ts";

/** Why a Secret makes no cluster that can be used. */
export interface ClusterFault {
  /** `pending` goes away by itself, `bad` needs somebody to act. */
  readonly code: "pending" | "bad";
  readonly why: string;
  readonly since: Date;
}

export interface ViewOptions {
  /** Shows tokens and keys, as upstream does. Defaults to false. */
  readonly showCredentials?: boolean | undefined;
}

/**
 * What the hub keeps of a cluster, and what it was converted to, as the API shows it. Built field by field from what may
 * be seen: without `showCredentials`, a credential has no way into it.
 */
export function clusterGatewayOf(
  source: ClusterSource,
  found: Cluster | ClusterFault,
  options: ViewOptions = {},
): ClusterGateway {
  const { layout } = source;
  const isUsable = "credential" in found;
  return {
    apiVersion: layout.apiVersion,
    kind: layout.clusterGateways.kind,
    metadata: metadataOf(source.metadata),
    spec: {
      ...(layout.hasProvider ? { provider: "" } : shownRules(source)),
      access: isUsable ? accessOf(found, options) : declaredAccess(source),
    },
    status: isUsable ? healthOf(found) : faultStatus(found),
  };
}

function metadataOf({
  name,
  uid,
  resourceVersion,
  creationTimestamp,
  deletionTimestamp,
  labels,
  annotations,
}: ObjectMeta): ObjectMeta {
  const shown = shownAnnotations(annotations);
  return {
    name,
    ...(uid === undefined ? {} : { uid: derivedUid(uid) }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(labels === undefined ? {} : { labels }),
    ...(Object.keys(shown).length === 0 ? {} : { annotations: shown }),
  };
}

/**
 * An identity of its own: the hub's garbage collector knows objects by their uid alone, and would
 * take two kinds with one uid for one object.
 */
export function derivedUid(secretUid: string): string {
  const hex = createHash("sha256").update(`ClusterGateway/${secretUid}`).digest("hex");
  const variant = "89ab"[Number.parseInt(hex.slice(16, 17), 16) % 4] ?? "8";
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`];
  return [...parts, `${variant}${hex.slice(17, 20)}`, hex.slice(20, 32)].join("-");
}

/** Health is part of the status, and what was applied to the Secret holds the credential. */
const hiddenAnnotations: ReadonlySet<string> = new Set([
  clusterSecretAnnotations.healthy,
  clusterSecretAnnotations.healthyReason,
  clusterSecretAnnotations.lastApplied,
  lastAppliedAnnotation,
]);

/** True for an annotation of the Secret that is none of the ClusterGateway. */
export function isHiddenAnnotation(key: string): boolean {
  return hiddenAnnotations.has(key);
}

function shownAnnotations(
  annotations: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const entries = Object.entries(annotations).filter(([key]) => !isHiddenAnnotation(key));
  const lastApplied = annotations[clusterSecretAnnotations.lastApplied];
  if (lastApplied !== undefined) entries.push([lastAppliedAnnotation, lastApplied]);
  return Object.fromEntries(entries);
}

function accessOf(
  { endpoint, credential, credentialType }: Cluster,
  { showCredentials = false }: ViewOptions,
): ClusterGateway["spec"]["access"] {
  const shown = showCredentials ? secretsOf(credential) : {};
  return { endpoint: endpointOf(endpoint), credential: { type: credentialType, ...shown } };
}

function declaredAccess({
  endpointType,
  credentialType,
}: ClusterSource): ClusterGateway["spec"]["access"] {
  return { endpoint: { type: endpointType }, credential: { type: credentialType } };
}

/** A cluster's own identity rules; nothing where they cannot be read, of which an Event tells. */
function shownRules({ proxyConfiguration }: ClusterSource): { readonly proxyConfig?: unknown } {
  try {
    return proxyConfiguration === undefined ? {} : { proxyConfig: parse(proxyConfiguration) };
  } catch {
    return {};
  }
}

function secretsOf(credential: Credential) {
  if (credential.kind === "token") return { serviceAccountToken: credential.token };
  if (credential.kind === "exec") return {};
  const base64 = (pem: string) => Buffer.from(pem).toString("base64");
  const { cert, key } = credential;
  return { x509: { certificate: base64(cert), privateKey: base64(key) } };
}

function healthOf({ isHealthy, healthyReason = "" }: Cluster): ClusterGateway["status"] {
  return { healthy: isHealthy, ...(healthyReason === "" ? {} : { healthyReason }) };
}

function faultStatus({ code, why, since }: ClusterFault): ClusterGateway["status"] {
  const condition: Condition = {
    type: clusterGatewayUsable,
    status: "False",
    reason: code === "pending" ? "CredentialPending" : "InvalidSecret",
    message: why,
    lastTransitionTime: timestamp(since),
  };
  return { healthy: false, healthyReason: why, conditions: [condition] };
}

function endpointOf(endpoint: Endpoint): ClusterGateway["spec"]["access"]["endpoint"] {
  if (endpoint.kind === "tunnel") return { type: endpointTypes.clusterProxy };
  const { url, ca, isInsecure, proxyUrl } = endpoint;
  return {
    type: endpointTypes.const,
    const: {
      address: withoutUserInfo(url),
      ...(ca === undefined ? {} : { caBundle: Buffer.from(ca).toString("base64") }),
      ...(isInsecure ? { insecure: true } : {}),
      ...(proxyUrl === undefined ? {} : { "proxy-url": withoutUserInfo(proxyUrl) }),
    },
  };
}

/** An address may carry a password, which is a credential like any other. */
function withoutUserInfo(url: URL): string {
  const shown = new URL(url);
  shown.username = "";
  shown.password = "";
  return shown.href.replace(/\/$/, "");
}
