import { clusterGateways, clusterSecretKeys } from "#api";
import { ApiError, type ApiErrorCode } from "#kube";
import { describeError } from "#runtime";
import { type FieldFault, GatewayError, type GatewayErrorCode } from "../answers/gateway-error.ts";

/** Total by construction: a new code does not compile until someone decides what it means here. */
const codes: Readonly<Record<ApiErrorCode, GatewayErrorCode>> = {
  not_found: "not_found",
  already_exists: "already_exists",
  conflict: "conflict",
  invalid: "invalid",
  bad_request: "bad_request",
  unauthorized: "hub_unavailable",
  forbidden: "forbidden",
  expired: "hub_unavailable",
  too_many_requests: "overloaded",
  timeout: "hub_unavailable",
  server: "hub_unavailable",
  unreachable: "hub_unavailable",
};

/**
 * The error for a ClusterGateway whose Secret the hub refused to write, in the words of the
 * ClusterGateway.
 */
export function hubRefusal(reason: unknown, name: string): GatewayError {
  if (!(reason instanceof ApiError)) throw reason;
  const code = codes[reason.code];
  const causes = (reason.status?.details?.causes ?? []).map(translated);
  const details = {
    name,
    resource: clusterGateways.plural,
    ...(causes.length === 0 ? {} : { causes }),
  };
  return new GatewayError(code, messageOf(code, reason, name), { cause: reason, details });
}

function messageOf(code: GatewayErrorCode, error: ApiError, name: string): string {
  const what = `${clusterGateways.plural}.${clusterGateways.group} "${name}"`;
  const said = fieldsTranslated(error.status?.message ?? describeError(error));
  // Of an apply it names the other managers.
  if (code === "conflict" && said.startsWith("Apply failed")) return said;
  const messages: Partial<Record<GatewayErrorCode, string>> = {
    not_found: `${what} not found`,
    already_exists: `${what} already exists`,
    conflict: `Operation cannot be fulfilled on ${what}: the object has been modified; please apply your changes to the latest version and try again`,
    invalid: `${clusterGateways.kind}.${clusterGateways.group} "${name}" is invalid: ${said}`,
    forbidden: `${what} is forbidden: the hub refused to write the Secret that keeps it: ${said}`,
  };
  return messages[code] ?? `Cannot write ${what}: ${said}`;
}

const access = ".spec.access";
const fields: readonly (readonly [string, string])[] = [
  [clusterSecretKeys.token, `${access}.credential.serviceAccountToken`],
  [clusterSecretKeys.certificate, `${access}.credential.x509.certificate`],
  [clusterSecretKeys.privateKey, `${access}.credential.x509.privateKey`],
  [clusterSecretKeys.endpoint, `${access}.endpoint.const.address`],
  [clusterSecretKeys.proxyUrl, `${access}.endpoint.const.proxy-url`],
  [clusterSecretKeys.ca, `${access}.endpoint.const.caBundle`],
];

/** Fields of the Secret, by the names that they have in the ClusterGateway. */
export function fieldsTranslated(text: string): string {
  return fields.reduce(
    (translated, [key, field]) => translated.replaceAll(`.data.${key}`, field),
    text,
  );
}

function translated({
  reason,
  message = "",
  field = "",
}: Partial<Record<string, unknown>>): FieldFault {
  return {
    reason: (reason ?? "FieldValueInvalid") as FieldFault["reason"],
    message: fieldsTranslated(String(message)),
    field: fieldsTranslated(String(field)),
  };
}
