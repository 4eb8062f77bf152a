import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import {
  clusterSecretKeys,
  clusterSecretLabels,
  credentialTypes,
  endpointTypes,
  type ManagedCluster,
  type Secret,
} from "#api";
import type { Cluster, Credential, Endpoint, ExecConfig } from "./cluster.ts";
import type { ClusterSource } from "./cluster-source.ts";
import { parseExecConfig } from "./exec-config.ts";
import { caCertificates, decode, isBearerToken, textOf } from "./material.ts";

/** Whether a fault is expected to go away by itself (`pending`), or somebody has to act (`bad`). */
export type ConversionErrorCode = "pending" | "bad";

/** A Secret, or the ManagedCluster beside it, cannot be made a cluster. The message says why. */
export class ConversionError extends Error {
  override readonly name = "ConversionError";
  readonly code: ConversionErrorCode;

  constructor(
    message: string,
    options: ErrorOptions & { readonly code?: ConversionErrorCode } = {},
  ) {
    super(message, options);
    this.code = options.code ?? "bad";
  }
}

/**
 * Makes a cluster of its Secret and, where OCM knows it, its ManagedCluster, whose address and CA
 * then count instead of the Secret's. Pure. Throws a {@link ConversionError}.
 */
export function convertCluster(source: ClusterSource): Cluster {
  const { name, credentialType, healthy, healthyReason, proxyConfiguration } = source;
  const endpoint = endpointOf(source);
  const credential = credentialOf(source);
  return {
    name,
    credentialType,
    credential,
    endpoint,
    isHealthy: isTrue(healthy),
    healthyReason,
    proxyConfiguration,
    connectionFingerprint: fingerprint(endpoint, credential),
  };
}

function endpointOf({
  endpointType: type,
  secret,
  managedCluster,
  ...rest
}: ClusterSource): Endpoint {
  if (type === endpointTypes.clusterProxy) return tunnelEndpoint(secret);
  if (type !== endpointTypes.const) {
    throw new ConversionError(
      `label ${clusterSecretLabels.endpointType} is "${type}": expected Const or ClusterProxy`,
    );
  }
  const proxyUrl = parseProxyUrl(rest.proxyUrl);
  return managedCluster === undefined
    ? secretEndpoint(secret, proxyUrl)
    : ocmEndpoint(managedCluster, proxyUrl);
}

function tunnelEndpoint(secret: Secret): Endpoint {
  const ca = caOf(secret);
  if (ca === undefined || ca === "") {
    throw new ConversionError(
      `key ${clusterSecretKeys.ca} is missing: through the tunnel, the managed API server is only trusted with a CA`,
    );
  }
  return { kind: "tunnel", ca: checkedCa(ca) };
}

const proxyProtocols = new Set(["http:", "https:", "socks5:", "socks5h:"]);

function parseProxyUrl(value: string): URL | undefined {
  if (value === "") return undefined;
  const url = URL.parse(value);
  if (url !== null && proxyProtocols.has(url.protocol)) return url;
  throw new ConversionError(`${clusterSecretKeys.proxyUrl} is not an http, https or socks5 URL`);
}

function secretEndpoint(secret: Secret, proxyUrl: URL | undefined): Endpoint {
  const address = textOf(secret, clusterSecretKeys.endpoint).trim();
  if (address === "") throw new ConversionError(`key ${clusterSecretKeys.endpoint} is missing`);
  const ca = caOf(secret);
  return {
    kind: "const",
    url: addressOf(address),
    ca: ca === undefined || ca === "" ? undefined : checkedCa(ca),
    isInsecure: ca === undefined,
    proxyUrl,
  };
}

function ocmEndpoint({ metadata, spec }: ManagedCluster, proxyUrl: URL | undefined): Endpoint {
  const config = spec.managedClusterClientConfigs?.[0];
  if (config === undefined) {
    throw new ConversionError(`ManagedCluster ${metadata.name} has no managedClusterClientConfigs`);
  }
  const ca = decode(config.caBundle ?? "");
  return {
    kind: "const",
    url: addressOf(config.url),
    ca: ca === "" ? undefined : checkedCa(ca),
    isInsecure: false,
    proxyUrl,
  };
}

function credentialOf({ credentialType, layout, secret }: ClusterSource): Credential {
  const type = layout.credentialTypes.find((known) => known === credentialType);
  switch (type) {
    case credentialTypes.serviceAccountToken:
      return { kind: "token", token: tokenOf(secret) };
    case credentialTypes.x509Certificate:
      return certificateOf(secret);
    case credentialTypes.dynamic:
      return { kind: "exec", exec: execOf(secret) };
    case undefined: {
      const expected = new Intl.ListFormat("en", { type: "disjunction" }).format(
        layout.credentialTypes,
      );
      throw new ConversionError(
        `label ${layout.keys.credentialType} is "${credentialType}": expected ${expected}`,
      );
    }
  }
}

function tokenOf(secret: Secret): string {
  const token = textOf(secret, clusterSecretKeys.token).trim();
  if (token === "") throw new ConversionError("it has no token", { code: "pending" });
  if (isBearerToken(token)) return token;
  throw new ConversionError(`key ${clusterSecretKeys.token} has a character that no token has`);
}

function execOf(secret: Secret): ExecConfig {
  try {
    return parseExecConfig(required(secret, clusterSecretKeys.exec));
  } catch (error) {
    if (error instanceof ConversionError) throw error;
    // Not the cause: arguments and variables of a command may hold a secret.
    throw new ConversionError(
      `key ${clusterSecretKeys.exec} is not the JSON of an exec credential: apiVersion client.authentication.k8s.io/v1, command, args, env`,
    );
  }
}

function certificateOf(secret: Secret): Credential {
  const cert = required(secret, clusterSecretKeys.certificate);
  const key = required(secret, clusterSecretKeys.privateKey);
  try {
    if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
      return { kind: "certificate", cert, key };
    }
  } catch {
    // The cause may quote the key.
    throw new ConversionError("keys tls.crt and tls.key are no certificate with its private key");
  }
  throw new ConversionError("keys tls.crt and tls.key do not belong together");
}

/** `undefined` without any such key, empty when it is there and empty: upstream tells the two apart. */
function caOf({ data = {} }: Secret): string | undefined {
  const encoded = data[clusterSecretKeys.ca] ?? data[clusterSecretKeys.legacyCa];
  return encoded === undefined ? undefined : decode(encoded);
}

function checkedCa(pem: string): string {
  const certificates = readCa(pem);
  if (certificates.length === 0) throw new ConversionError("the CA holds no certificate");
  return certificates.join("\n");
}

function readCa(pem: string): readonly string[] {
  try {
    return caCertificates(pem);
  } catch (error) {
    throw new ConversionError("the CA is not PEM of certificates", { cause: error });
  }
}

function addressOf(address: string): URL {
  const url = URL.parse(address);
  if (url !== null && (url.protocol === "https:" || url.protocol === "http:")) return url;
  // Not the value itself: it may carry a password.
  throw new ConversionError("the address of its API server is not an http or https URL");
}

function required(secret: Secret, key: string): string {
  const value = textOf(secret, key);
  if (value === "") throw new ConversionError(`key ${key} is missing`);
  return value;
}

/** As Go's ParseBool reads it; whatever it would refuse is not a yes. */
function isTrue(value = ""): boolean {
  return ["1", "t", "T", "TRUE", "true", "True"].includes(value);
}

/** Compares resourceVersions of one hub, which are numbers there. */
export function isNewer(version: string, than: string): boolean {
  return BigInt(/^\d+$/.test(version) ? version : 0) > BigInt(/^\d+$/.test(than) ? than : 0);
}

function fingerprint(endpoint: Endpoint, credential: Credential): string {
  const hash = createHash("sha256").update(JSON.stringify(endpoint));
  return hash.digest("base64") + certificateFingerprint(credential);
}

/** What of a credential connections depend on: a token goes with each request, a certificate does not. */
export function certificateFingerprint(credential: Credential): string {
  if (credential.kind !== "certificate") return "";
  const hash = createHash("sha256").update(credential.cert).update(credential.key);
  return hash.digest("base64");
}
