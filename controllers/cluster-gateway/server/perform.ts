import { type ClusterGatewayConfiguration, clusterGatewayConfigurations, secrets } from "#api";
import { type EventRecorder, isApiError, type KubeClient } from "#kube";
import { type Authority, createAuthority, issueCertificate } from "#pki";
import type { Logger } from "#runtime";
import { authoritySecret, tlsSecret } from "../../tls-secret.ts";
import { lifetimes } from "../names.ts";
import { installedFor, ownedBy } from "./desired.ts";
import type { SignerKey } from "./gather.ts";
import type { Action } from "./plan.ts";

const fieldManager = "spokeway-cluster-gateway";

export interface PerformPorts {
  readonly client: KubeClient;
  readonly signerKey: SignerKey;
  readonly log: Logger;
  readonly events: EventRecorder;
  readonly now: () => Date;
}

/** Carries one action out. */
export async function perform(
  ports: PerformPorts,
  configuration: ClusterGatewayConfiguration,
  authority: Authority | undefined,
  action: Action,
  signal: AbortSignal,
): Promise<void> {
  switch (action.kind) {
    case "makeAuthority":
      await makeAuthority(ports, configuration, signal);
      return;
    case "issue":
      if (authority !== undefined) await issue(ports, configuration, authority, action, signal);
      return;
    case "apply": {
      const { type, object } = action.desired;
      await ports.client.apply(type, object, signal, { fieldManager });
    }
  }
}

async function makeAuthority(
  { client, signerKey, log, now }: PerformPorts,
  configuration: ClusterGatewayConfiguration,
  signal: AbortSignal,
): Promise<void> {
  const options = { commonName: "cluster-gateway", lifetimeMs: lifetimes.authorityMs };
  const made = await createAuthority(options, now());
  const metadata = { ...ownedBy(configuration, signerKey.name), namespace: signerKey.namespace };
  try {
    // Created, never applied: one that has appeared in the meantime must win.
    await client.create(secrets, authoritySecret(metadata, made), signal);
    log.info("Made certificate authority", { secret: signerKey.name });
  } catch (error) {
    if (!isApiError(error, "already_exists")) throw error;
  }
}

async function issue(
  { client, log, events, now }: PerformPorts,
  configuration: ClusterGatewayConfiguration,
  authority: Authority,
  { certificate, why }: Extract<Action, { readonly kind: "issue" }>,
  signal: AbortSignal,
): Promise<void> {
  const options = { ...certificate, lifetimeMs: lifetimes.certificateMs };
  const pair = await issueCertificate(authority, options, now());
  const secret = tlsSecret(installedFor(configuration, certificate.secretName), pair);
  await client.apply(secrets, secret, signal, { fieldManager });
  const { secretName } = certificate;
  log.info("Issued certificate", { secret: secretName, why });
  const message = `Secret ${secret.metadata.namespace}/${secretName}: ${why}`;
  await events.record(clusterGatewayConfigurations, configuration, {
    reason: "CertificateIssued",
    message,
  });
}
