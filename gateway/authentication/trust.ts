import { X509Certificate } from "node:crypto";
import type { ConfigMap } from "#api";

/** Where the hub's API server publishes who may speak for others. */
export const trustConfigMap = {
  namespace: "kube-system",
  name: "extension-apiserver-authentication",
} as const;

/** Whom the gateway believes, as the hub's API server publishes it. */
export interface Trust {
  /** Grows with each change, so that verdicts about connections can be kept. */
  readonly generation: number;
  readonly frontProxyCas: readonly X509Certificate[];
  /** Common names that may act as front proxy; empty allows every certificate of the CA. */
  readonly allowedNames: readonly string[];
  readonly userHeaders: readonly string[];
  readonly groupHeaders: readonly string[];
  readonly uidHeaders: readonly string[];
  readonly extraPrefixes: readonly string[];
  /** CAs of people's and kubelets' own certificates. */
  readonly clientCas: readonly X509Certificate[];
  /** All CAs as PEM, for the TLS handshake. */
  readonly caPems: readonly string[];
}

/** Trusts nobody: what holds until the ConfigMap has been read. */
export const noTrust: Trust = {
  generation: 0,
  frontProxyCas: [],
  allowedNames: [],
  userHeaders: [],
  groupHeaders: [],
  uidHeaders: [],
  extraPrefixes: [],
  clientCas: [],
  caPems: [],
};

/** Reads the ConfigMap. Throws an Error that says which key is unreadable. */
export function parseTrust({ data = {} }: ConfigMap, generation: number): Trust {
  const frontProxyCas = certificates("requestheader-client-ca-file", data);
  const clientCas = certificates("client-ca-file", data);
  return {
    generation,
    frontProxyCas,
    clientCas,
    allowedNames: names("requestheader-allowed-names", data),
    userHeaders: headers("requestheader-username-headers", data),
    groupHeaders: headers("requestheader-group-headers", data),
    uidHeaders: headers("requestheader-uid-headers", data),
    extraPrefixes: headers("requestheader-extra-headers-prefix", data),
    caPems: [...frontProxyCas, ...clientCas].map(String),
  };
}

type Data = Readonly<Record<string, string>>;

const block = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function certificates(key: string, data: Data): readonly X509Certificate[] {
  try {
    return (data[key] ?? "").match(block)?.map((pem) => new X509Certificate(pem)) ?? [];
  } catch (error) {
    throw new Error(`Cannot read ${key}: not a PEM bundle of certificates`, { cause: error });
  }
}

function names(key: string, data: Data): readonly string[] {
  if (data[key] === undefined || data[key] === "") return [];
  const value = parseJson(key, data[key]);
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  throw new Error(`Cannot read ${key}: not a list of texts`);
}

function headers(key: string, data: Data): readonly string[] {
  return names(key, data).map((name) => name.toLowerCase());
}

function parseJson(key: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new Error(`Cannot read ${key}: not JSON`, { cause: error });
  }
}
