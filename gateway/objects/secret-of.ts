import {
  clusterSecretAnnotations,
  clusterSecretKeys,
  clusterSecretLabels,
  credentialTypes,
  endpointTypes,
  lastAppliedAnnotation,
  type Secret,
} from "#api";
import { type FieldFault } from "../answers/gateway-error.ts";
import { isHiddenAnnotation } from "./cluster-gateway.ts";
import type { ClusterGatewayInput } from "./cluster-gateway-input.ts";

type Data = Readonly<Record<string, string | undefined>>;

/** The Secret that a ClusterGateway is kept in, as upstream reads it. */
export interface SecretContent {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Base64. */
  readonly data: Readonly<Record<string, string>>;
}

/**
 * What a Secret has to hold for a ClusterGateway. Credentials are in no answer, so that what a
 * client read and sends back has none: those of `present` then stay, unless their type changes.
 * Pure.
 */
export function secretContentOf(
  { metadata, spec }: ClusterGatewayInput,
  present: Secret | undefined,
): SecretContent {
  const { endpoint, credential } = spec.access;
  const presentLabels = present?.metadata.labels ?? {};
  const credentialType = credential?.type ?? presentLabels[clusterSecretLabels.credentialType];
  const isSameType = credentialType === presentLabels[clusterSecretLabels.credentialType];
  const kept = present?.data ?? {};
  return {
    labels: {
      ...metadata.labels,
      [clusterSecretLabels.credentialType]: credentialType ?? "",
      [clusterSecretLabels.endpointType]: endpoint.type,
    },
    annotations: annotationsOf(metadata.annotations ?? {}, present),
    data: compact({
      ...unknownKeys(kept),
      ...endpointData(endpoint, kept),
      ...(isSameType ? credentialKeys(kept) : {}),
      ...credentialData(credential),
    }),
  };
}

/** What a new content lacks, by the fields of the ClusterGateway. */
export function missingFrom({ labels, data }: SecretContent): readonly FieldFault[] {
  const missing = (field: string): FieldFault => ({
    reason: "FieldValueRequired",
    message: "Required value",
    field: `spec.access.${field}`,
  });
  const faults: FieldFault[] = [];
  if (labels[clusterSecretLabels.endpointType] === endpointTypes.clusterProxy) {
    if ((data[clusterSecretKeys.ca] ?? "") === "") {
      faults.push(missing("endpoint.clusterProxy.caBundle"));
    }
  }
  const credential = missingCredential(labels[clusterSecretLabels.credentialType] ?? "", data);
  if (credential !== undefined) faults.push(missing(credential));
  return faults;
}

function missingCredential(type: string, data: Data): string | undefined {
  const has = (...keys: readonly string[]) => keys.every((key) => (data[key] ?? "") !== "");
  switch (type) {
    case credentialTypes.serviceAccountToken:
      return has(clusterSecretKeys.token) ? undefined : "credential.serviceAccountToken";
    case credentialTypes.x509Certificate:
      return has(clusterSecretKeys.certificate, clusterSecretKeys.privateKey)
        ? undefined
        : "credential.x509";
    case credentialTypes.dynamic:
      // The command is named in the Secret alone: who may write Secrets is another question.
      return has(clusterSecretKeys.exec) ? undefined : "credential.exec";
    default:
      return "credential";
  }
}

function annotationsOf(
  given: Readonly<Record<string, string>>,
  present: Secret | undefined,
): Readonly<Record<string, string>> {
  const own = Object.entries(given).filter(([key]) => !isHiddenAnnotation(key));
  const hidden = Object.entries(present?.metadata.annotations ?? {}).filter(
    ([key]) => isHiddenAnnotation(key) && key !== clusterSecretAnnotations.lastApplied,
  );
  const lastApplied = given[lastAppliedAnnotation];
  const kept =
    lastApplied === undefined
      ? {}
      : { [clusterSecretAnnotations.lastApplied]: withoutCredentials(lastApplied) };
  return { ...Object.fromEntries([...own, ...hidden]), ...kept };
}

const credentialFields = new Set(["serviceAccountToken", "x509"]);

/** What `kubectl apply` remembers of a manifest, without the credentials in it. */
export function withoutCredentials(json: string): string {
  try {
    const value: unknown = JSON.parse(json, (key, value: unknown) =>
      credentialFields.has(key) ? undefined : value,
    );
    return `${JSON.stringify(value)}\n`;
  } catch {
    // Nobody can tell what is in it.
    return "{}\n";
  }
}

function endpointData({ type, const: at, clusterProxy }: Endpoint, kept: Data): Data {
  const { endpoint, ca, legacyCa, proxyUrl } = clusterSecretKeys;
  if (type === endpointTypes.clusterProxy || at === undefined) {
    return { [ca]: clusterProxy?.caBundle ?? kept[ca] ?? kept[legacyCa] };
  }
  return {
    [endpoint]: encoded(withUserInfoOf(kept[endpoint], at.address)),
    // Upstream's convention: no key means no verification, an empty one the system's authorities.
    [ca]: at.insecure === true ? undefined : (at.caBundle ?? ""),
    [proxyUrl]: encoded(withUserInfoOf(kept[proxyUrl], at["proxy-url"])),
  };
}

type Endpoint = ClusterGatewayInput["spec"]["access"]["endpoint"];

/** No answer shows a password in a URL: the same URL without one keeps the password it had. */
function withUserInfoOf(kept: string | undefined, given: string | undefined): string | undefined {
  const before = URL.parse(
    Buffer.from(kept ?? "", "base64")
      .toString()
      .trim(),
  );
  const after = URL.parse(given ?? "");
  if (before === null || after === null || after.username !== "") return given;
  const isSame = before.host === after.host && before.pathname === after.pathname;
  return isSame && before.protocol === after.protocol && before.username !== ""
    ? before.href
    : given;
}

function credentialData(credential: ClusterGatewayInput["spec"]["access"]["credential"]): Data {
  const { token, certificate, privateKey } = clusterSecretKeys;
  const { serviceAccountToken, x509 } = credential ?? {};
  return {
    ...(serviceAccountToken === undefined ? {} : { [token]: encoded(serviceAccountToken) }),
    ...(x509 === undefined
      ? {}
      : { [certificate]: x509.certificate, [privateKey]: x509.privateKey }),
  };
}

const keysOfCredentials: ReadonlySet<string> = new Set([
  clusterSecretKeys.token,
  clusterSecretKeys.certificate,
  clusterSecretKeys.privateKey,
  clusterSecretKeys.exec,
]);
const knownKeys: ReadonlySet<string> = new Set(Object.values(clusterSecretKeys));

function credentialKeys(data: Data): Data {
  return Object.fromEntries(Object.entries(data).filter(([key]) => keysOfCredentials.has(key)));
}

function unknownKeys(data: Data): Data {
  return Object.fromEntries(Object.entries(data).filter(([key]) => !knownKeys.has(key)));
}

function encoded(text: string | undefined): string | undefined {
  return text === undefined ? undefined : Buffer.from(text).toString("base64");
}

function compact(data: Data): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(data).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}
