import { createPrivateKey, X509Certificate } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import {
  apiVersionOf,
  type ClusterGateway,
  clusterGateways,
  credentialTypes,
  endpointTypes,
} from "#api";
import type { FieldFault } from "../answers/gateway-error.ts";
import { isBearerToken, isCaBundle } from "../clusters/material.ts";

const text = z.string();
const strings = z.record(z.string(), z.string());

const metadata = z.strictObject({
  name: text.optional(),
  generateName: text.optional(),
  labels: strings.nullish(),
  annotations: strings.nullish(),
  resourceVersion: text.optional(),
  uid: text.optional(),
  // Read-only for clients; what they send back is not looked at.
  creationTimestamp: z.unknown().optional(),
  deletionTimestamp: z.unknown().optional(),
  managedFields: z.unknown().optional(),
  generation: z.unknown().optional(),
  selfLink: z.unknown().optional(),
  namespace: z.literal("").optional(),
  ownerReferences: z.array(z.unknown()).max(0).optional(),
  finalizers: z.array(z.unknown()).max(0).optional(),
});

const endpoint = z.strictObject({
  type: z.enum(endpointTypes),
  const: z
    .strictObject({
      address: text,
      caBundle: text.optional(),
      insecure: z.boolean().optional(),
      "proxy-url": text.optional(),
    })
    .optional(),
  clusterProxy: z.strictObject({ caBundle: text.optional() }).optional(),
});

const credential = z.strictObject({
  type: z.enum(credentialTypes),
  serviceAccountToken: text.optional(),
  x509: z.strictObject({ certificate: text, privateKey: text }).optional(),
});

const object = z.strictObject({
  apiVersion: z.literal(apiVersionOf(clusterGateways)),
  kind: z.literal(clusterGateways.kind),
  metadata: metadata.prefault({}),
  spec: z.strictObject({
    provider: text.optional(),
    access: z.strictObject({ endpoint, credential: credential.optional() }),
  }),
  // Only the health subresource changes it.
  status: z.unknown().optional(),
});

/** A ClusterGateway as a client sends it, with the credentials that no answer carries. */
export type ClusterGatewayInput = z.infer<typeof object>;

/** What came of reading one: either the object, or what is wrong with it. */
export interface InputReading {
  readonly input: ClusterGatewayInput | undefined;
  readonly faults: readonly FieldFault[];
  /** Paths of fields that do not exist; they are left out of `input`. */
  readonly unknownFields: readonly string[];
}

/**
 * Checks a ClusterGateway, field by field. A spec that is what `present` shows is not judged: it
 * was taken before. Pure, never throws.
 */
export function readInput(body: unknown, present?: ClusterGateway): InputReading {
  const unknownFields: string[] = [];
  const parsed = object.safeParse(withoutUnknown(body, unknownFields), { reportInput: true });
  if (!parsed.success) {
    return { input: undefined, faults: parsed.error.issues.map(faultOf), unknownFields };
  }
  const { access } = parsed.data.spec;
  if (isDeepStrictEqual(access, present?.spec.access)) {
    return { input: parsed.data, faults: [], unknownFields };
  }
  const faults = [...endpointFaults(access.endpoint), ...credentialFaults(access.credential)];
  return { input: faults.length === 0 ? parsed.data : undefined, faults, unknownFields };
}

/** A copy without the fields that do not exist, whose paths are noted. */
function withoutUnknown(body: unknown, noted: string[]): unknown {
  const { error } = object.safeParse(body);
  let pruned = body;
  for (const issue of error?.issues ?? []) {
    if (issue.code !== "unrecognized_keys") continue;
    for (const key of issue.keys) {
      noted.push([...issue.path, key].join("."));
      pruned = without(pruned, [...issue.path, key]);
    }
  }
  return pruned;
}

function without(target: unknown, [key = "", ...rest]: readonly PropertyKey[]): unknown {
  const entries = Object.entries(target as Readonly<Record<string, unknown>>);
  return Object.fromEntries(
    entries.flatMap(([name, value]) => {
      if (name !== key) return [[name, value]];
      return rest.length === 0 ? [] : [[name, without(value, rest)]];
    }),
  );
}

function faultOf(issue: z.core.$ZodIssue): FieldFault {
  const field = issue.path.join(".");
  if (issue.code === "invalid_value" && issue.input !== undefined && issue.values.length > 1) {
    const values = issue.values.map((value) => JSON.stringify(value)).join(", ");
    return fault(
      "FieldValueNotSupported",
      field,
      `Unsupported value: ${shown(issue.input)}: supported values: ${values}`,
    );
  }
  if (issue.code === "too_big") {
    return fault("FieldValueForbidden", field, "Forbidden: set it on the Secret of the cluster");
  }
  return issue.input === undefined
    ? fault("FieldValueRequired", field, "Required value")
    : invalid(field, issue.message);
}

function endpointFaults({ type, const: at, clusterProxy }: Endpoint): readonly FieldFault[] {
  const field = "spec.access.endpoint";
  if (type === endpointTypes.clusterProxy) {
    return at === undefined
      ? caFaults(clusterProxy?.caBundle, `${field}.clusterProxy.caBundle`)
      : [fault("FieldValueForbidden", `${field}.const`, "Forbidden: type is not Const")];
  }
  if (clusterProxy !== undefined) {
    const message = "Forbidden: type is not ClusterProxy";
    return [fault("FieldValueForbidden", `${field}.clusterProxy`, message)];
  }
  if (at === undefined) return [fault("FieldValueRequired", `${field}.const`, "Required value")];
  return [
    ...(isUrl(at.address, ["https:"])
      ? []
      : [invalid(`${field}.const.address`, "must be an https URL")]),
    ...proxyFaults(at["proxy-url"], `${field}.const.proxy-url`),
    ...caFaults(at.caBundle, `${field}.const.caBundle`),
    ...(at.insecure === true && at.caBundle !== undefined
      ? [invalid(`${field}.const.insecure`, "must not be true beside a caBundle")]
      : []),
  ];
}

type Endpoint = z.infer<typeof endpoint>;

function proxyFaults(url: string | undefined, field: string): readonly FieldFault[] {
  const isGood = url === undefined || isUrl(url, ["http:", "https:", "socks5:", "socks5h:"]);
  return isGood ? [] : [invalid(field, "must be an http, https or socks5 URL")];
}

function caFaults(bundle: string | undefined, field: string): readonly FieldFault[] {
  if (bundle === undefined || isCaBundle(decoded(bundle))) return [];
  return [invalid(field, "must be base64 of PEM with at least one certificate")];
}

function credentialFaults(given: z.infer<typeof credential> | undefined): readonly FieldFault[] {
  const field = "spec.access.credential";
  // Never the value: the message is logged and shown.
  if (given === undefined) return [];
  const { type, serviceAccountToken: token, x509 } = given;
  if (token !== undefined && type !== credentialTypes.serviceAccountToken) {
    return [
      fault("FieldValueForbidden", `${field}.serviceAccountToken`, `Forbidden: type is ${type}`),
    ];
  }
  if (x509 !== undefined && type !== credentialTypes.x509Certificate) {
    return [fault("FieldValueForbidden", `${field}.x509`, `Forbidden: type is ${type}`)];
  }
  if (token !== undefined && !isBearerToken(token)) {
    return [invalid(`${field}.serviceAccountToken`, "must be a token")];
  }
  if (x509 !== undefined && !isPair(decoded(x509.certificate), decoded(x509.privateKey))) {
    return [invalid(`${field}.x509`, "must be base64 of PEM of a certificate and its private key")];
  }
  return [];
}

function isPair(certificate: string, privateKey: string): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey));
  } catch {
    return false;
  }
}

function isUrl(address: string, protocols: readonly string[]): boolean {
  const url = URL.parse(address);
  return url !== null && url.hostname !== "" && protocols.includes(url.protocol);
}

function decoded(base64: string): string {
  return Buffer.from(base64, "base64").toString("utf8");
}

function invalid(field: string, why: string): FieldFault {
  return fault("FieldValueInvalid", field, `Invalid value: ${why}`);
}

function fault(reason: FieldFault["reason"], field: string, message: string): FieldFault {
  return { reason, field, message };
}

function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : typeof value;
}
