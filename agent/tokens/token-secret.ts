import {
  type ManagedServiceAccount,
  managedServiceAccountLabels,
  ownerReferenceTo,
  readTokenClaims,
  type Secret,
  tokenSecretKeys,
} from "#api";
import type { HeldToken, Snapshot } from "./snapshot.ts";

/** What a hub Secret carries, decoded. */
export interface SecretContent {
  readonly token: string;
  readonly caBundle: Buffer;
}

/**
 * The hub Secret of an account, in the shape that consumers know: labels, annotations and type of
 * an existing one stay, its data and owners are replaced.
 */
export function tokenSecretFor(
  account: ManagedServiceAccount,
  existing: Secret | undefined,
  { token, caBundle }: SecretContent,
): Secret {
  const { name, namespace } = account.metadata;
  return {
    ...existing,
    metadata: {
      ...existing?.metadata,
      name,
      namespace,
      labels: { ...existing?.metadata.labels, [managedServiceAccountLabels.managed]: "true" },
      ownerReferences: [ownerOf(account)],
    },
    type: existing?.type ?? "Opaque",
    data: {
      [tokenSecretKeys.ca]: caBundle.toString("base64"),
      [tokenSecretKeys.token]: Buffer.from(token).toString("base64"),
    },
  };
}

/** The token that a Secret holds, if any. */
export function heldTokenOf(secret: Secret | undefined): HeldToken | undefined {
  const encoded = secret?.data?.[tokenSecretKeys.token];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString();
  return { text, claims: readTokenClaims(text) };
}

/** True when the Secret's certificate authority, label and owner are what they should be. */
export function isAsDesired({ account, secret, caBundle }: Snapshot): boolean {
  if (secret === undefined) return false;
  const { labels, ownerReferences = [] } = secret.metadata;
  return (
    secret.data?.[tokenSecretKeys.ca] === caBundle.toString("base64") &&
    labels?.[managedServiceAccountLabels.managed] === "true" &&
    ownerReferences.some(({ uid }) => uid === account.metadata.uid)
  );
}

function ownerOf(account: ManagedServiceAccount): ReturnType<typeof ownerReferenceTo> {
  const { apiVersion, kind } = account;
  if (apiVersion === undefined || kind === undefined) {
    throw new TypeError(`Cannot own a Secret: ${account.metadata.name} came without its kind`);
  }
  return ownerReferenceTo(apiVersion, kind, account);
}
