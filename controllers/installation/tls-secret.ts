import type { KubeObject, ObjectMeta, Secret } from "#api";
import { type Authority, type KeyPair, loadAuthority } from "#pki";
import { TerminalError } from "#runtime";

/** Keys of the Secret that holds an authority. */
const authorityKeys = { certificate: "ca.crt", key: "ca.key" } as const;
/** Keys of a Secret of type `kubernetes.io/tls`. */
const tlsKeys = { certificate: "tls.crt", key: "tls.key" } as const;

/** The text under one key of a Secret; undefined when it is not there. */
export function secretText(secret: Secret | undefined, key: string): string | undefined {
  const value = secret?.data?.[key];
  return value === undefined ? undefined : Buffer.from(value, "base64").toString("utf8");
}

/** A Secret of type Opaque. */
export function opaqueSecret(
  metadata: ObjectMeta,
  texts: Readonly<Record<string, string>>,
): KubeObject & Secret {
  return { metadata, type: "Opaque", data: encoded(texts) };
}

/** The Secret that holds a certificate and its key. */
export function tlsSecret(metadata: ObjectMeta, { certificatePem, keyPem }: KeyPair): Secret {
  const data = encoded({ [tlsKeys.certificate]: certificatePem, [tlsKeys.key]: keyPem });
  return { metadata, type: "kubernetes.io/tls", data };
}

/** The certificate and key in such a Secret; undefined when one of them is missing. */
export function keyPairOf(secret: Secret | undefined): KeyPair | undefined {
  return pair(secret, tlsKeys);
}

/** The Secret that holds an authority. */
export function authoritySecret(metadata: ObjectMeta, { certificatePem, keyPem }: KeyPair): Secret {
  const { certificate, key } = authorityKeys;
  return opaqueSecret(metadata, { [certificate]: certificatePem, [key]: keyPem });
}

/** The certificate and key in such a Secret; undefined when one of them is missing. */
export function authorityPairOf(secret: Secret | undefined): KeyPair | undefined {
  return pair(secret, authorityKeys);
}

/**
 * The authority in such a Secret, undefined when there is none. Throws a `TerminalError` when what
 * is there cannot be used: it is somebody's authority, and not ours to replace.
 */
export function authorityOf(secret: Secret | undefined): Authority | undefined {
  const found = authorityPairOf(secret);
  try {
    return found === undefined ? undefined : loadAuthority(found);
  } catch (error) {
    const { namespace, name } = secret?.metadata ?? { name: "" };
    throw new TerminalError(`Cannot use certificate authority in Secret ${namespace}/${name}`, {
      cause: error,
    });
  }
}

function pair(
  secret: Secret | undefined,
  keys: { readonly certificate: string; readonly key: string },
): KeyPair | undefined {
  const certificatePem = secretText(secret, keys.certificate);
  const keyPem = secretText(secret, keys.key);
  if (certificatePem === undefined || keyPem === undefined) return undefined;
  return { certificatePem, keyPem };
}

function encoded(texts: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString("base64")]),
  );
}
