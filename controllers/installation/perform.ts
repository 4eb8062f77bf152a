import { secrets } from "#api";
import { type EventRecorder, ignoreNotFound, isApiError, type KubeClient } from "#kube";
import { asTrustAnchor, createAuthority, issueCertificate, type KeyPair } from "#pki";
import type { Logger } from "#runtime";
import type { Action, AuthorityPlace } from "./action.ts";
import { firstAnnotations, rotationPatch } from "./authority-rotation.ts";
import { type Owner, ownedBy } from "./owner.ts";
import { authoritySecret, tlsSecret } from "./tls-secret.ts";

/** How long certificates live; both are renewed long before they end. */
export const lifetimes = {
  authorityMs: 3_650 * 86_400_000,
  certificateMs: 180 * 86_400_000,
} as const;

export interface PerformPorts {
  readonly client: KubeClient;
  /** Who owns the fields that are applied. */
  readonly fieldManager: string;
  readonly log: Logger;
  readonly events: EventRecorder;
  readonly now: () => Date;
}

/**
 * Carries the actions out, one after another, up to the first that fails. Answers that failure,
 * or undefined; throws only when `signal` aborts.
 */
export async function performAll(
  ports: PerformPorts,
  owner: Owner,
  actions: readonly Action[],
  signal: AbortSignal,
): Promise<unknown> {
  try {
    for (const action of actions) await perform(ports, owner, action, signal);
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return error;
  }
}

async function perform(
  ports: PerformPorts,
  owner: Owner,
  action: Action,
  signal: AbortSignal,
): Promise<void> {
  switch (action.kind) {
    case "makeAuthority":
      await makeAuthority(ports, owner, action, signal);
      return;
    case "rotateAuthority":
      await rotateAuthority(ports, owner, action, signal);
      return;
    case "issue":
      await issue(ports, owner, action, signal);
      return;
    case "discard":
      await discard(ports, action, signal);
      return;
    case "apply": {
      const { type, object } = action.desired;
      await ports.client.apply(type, object, signal, { fieldManager: ports.fieldManager });
    }
  }
}

async function makeAuthority(
  { client, log, now }: PerformPorts,
  owner: Owner,
  { place, source }: Extract<Action, { readonly kind: "makeAuthority" }>,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name } = place;
  const pair = await (source.kind === "given"
    ? asTrustAnchor(source.pair)
    : newAuthority(place, now()));
  const metadata = { ...ownedBy(owner, name, namespace), annotations: firstAnnotations(source) };
  try {
    // Created, never applied: one that has appeared in the meantime must win.
    await client.create(secrets, authoritySecret(metadata, pair), signal);
    log.info("Made certificate authority", { secret: name });
  } catch (error) {
    if (!isApiError(error, "already_exists")) throw error;
  }
}

async function discard(
  { client, log }: PerformPorts,
  { type, object: { metadata } }: Extract<Action, { readonly kind: "discard" }>,
  signal: AbortSignal,
): Promise<void> {
  const { name, namespace, uid } = metadata;
  await ignoreNotFound(client.delete(type, { name, namespace }, signal, { uid }));
  log.info("Removed what an earlier installation left", { kind: type.kind, namespace, name });
}

async function rotateAuthority(
  { client, log, events, now }: PerformPorts,
  owner: Owner,
  { place, secret, step, source }: Extract<Action, { readonly kind: "rotateAuthority" }>,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name } = place;
  const make = async () => newAuthority(place, now());
  const patch = await rotationPatch(secret, step, source, { make, now: now() });
  // The patch carries the version that was read, so nobody's change is lost.
  await client.mergePatch(secrets, { namespace, name }, patch, signal);
  log.info("Rotating certificate authority", { secret: name, step });
  const message = `Secret ${namespace}/${name}: ${step}`;
  await events.record(owner.type, owner.object, { reason: "AuthorityRotated", message });
}

async function newAuthority({ commonName }: AuthorityPlace, now: Date): Promise<KeyPair> {
  return createAuthority({ commonName, lifetimeMs: lifetimes.authorityMs }, now);
}

async function issue(
  { client, fieldManager, log, events, now }: PerformPorts,
  owner: Owner,
  { certificate, authority, why }: Extract<Action, { readonly kind: "issue" }>,
  signal: AbortSignal,
): Promise<void> {
  const { secretName, namespace } = certificate;
  const options = { ...certificate, lifetimeMs: lifetimes.certificateMs };
  const pair = await issueCertificate(authority, options, now());
  const secret = tlsSecret(ownedBy(owner, secretName, namespace), pair);
  await client.apply(secrets, secret, signal, { fieldManager });
  log.info("Issued certificate", { secret: secretName, why });
  const message = `Secret ${namespace}/${secretName}: ${why}`;
  await events.record(owner.type, owner.object, { reason: "CertificateIssued", message });
}
