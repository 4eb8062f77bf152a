import { apiServices } from "#api";
import type { Authority } from "#pki";
import {
  type Action,
  type AuthorityPlace,
  applies,
  type Desired,
} from "../../installation/action.ts";
import { isAvailable } from "../../installation/availability.ts";
import { type WantedCertificate, whyReissue } from "../../installation/certificates.ts";
import type { Plan } from "../../installation/installation.ts";
import { makeAuthorityAt, unlessLeftover } from "../../installation/leftover.ts";
import { authorityOf, secretText } from "../../installation/tls-secret.ts";
import { gatewayNames } from "../names.ts";
import { apiService, desiredObjects, ownerOf, tunnelCopies } from "./desired.ts";
import { type Snapshot, tunnelSourcesOf } from "./gather.ts";

/**
 * Decides, and does nothing. Where the authority is missing it comes first, and all the rest waits
 * for the next look, as it does where it is one of an earlier installation. Throws a `TerminalError` when one is there that cannot be used.
 */
export function plan(
  snapshot: Snapshot,
  place: AuthorityPlace,
  imagePullPolicy: string,
  now: Date,
): Plan {
  const { configuration, tunnel, signer } = snapshot;
  const authority = authorityOf(unlessLeftover(signer, ownerOf(configuration)));
  if (authority === undefined) {
    return { actions: makeAuthorityAt(place, signer), missing: undefined };
  }
  const certificate = servingCertificate(snapshot);
  const violation = whyReissue(certificate, snapshot.serving, authority, now);
  const issue: readonly Action[] =
    violation === undefined
      ? []
      : [{ kind: "issue", certificate, authority, why: violation.message }];
  const missing = missingSource(snapshot);
  // Pods that wait for a Secret are tried again ever more seldom; they had better not exist yet.
  if (missing !== undefined) return { actions: issue, missing };
  const objects = [
    ...(tunnel === undefined ? [] : tunnelCopies(configuration, tunnel)),
    ...desiredObjects(configuration, imagePullPolicy),
    ...registration(snapshot, authority),
  ];
  return { actions: [...issue, ...applies(objects), ...deregistration(snapshot)], missing };
}

/**
 * Registered once the gateway serves: an API that does not answer is in the way of everything
 * that looks for all kinds of the hub.
 */
function registration(snapshot: Snapshot, { certificate }: Authority): readonly Desired[] {
  const { configuration, deployment, apiService: registered } = snapshot;
  const isServing = isAvailable(deployment, configuration.spec.replicas);
  if (registered === undefined && !isServing) return [];
  return [apiService(configuration, certificate.pem)];
}

/** What we registered in another group goes once nobody serves it any more. */
function deregistration({
  configuration,
  deployment,
  staleApiServices,
}: Snapshot): readonly Action[] {
  if (!isAvailable(deployment, configuration.spec.replicas)) return [];
  const { uid } = configuration.metadata;
  return staleApiServices
    .filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid) === true)
    .map((object) => ({ kind: "discard", type: apiServices, object }));
}

function servingCertificate({ configuration }: Snapshot): WantedCertificate {
  const { installNamespace: namespace } = configuration.spec;
  const { service, servingSecret } = gatewayNames;
  const suffixes = ["", `.${namespace}`, `.${namespace}.svc`, `.${namespace}.svc.cluster.local`];
  return {
    secretName: servingSecret,
    namespace,
    commonName: `${service}.${namespace}.svc`,
    names: suffixes.map((suffix) => service + suffix),
    usages: ["server"],
  };
}

function missingSource({ configuration, tunnel }: Snapshot): string | undefined {
  const sources = tunnelSourcesOf(configuration);
  if (sources === undefined) return undefined;
  const wanted = [
    { key: "ca.crt", secret: tunnel?.ca, ...sources.ca },
    { key: "tls.crt", secret: tunnel?.client, ...sources.client },
    { key: "tls.key", secret: tunnel?.client, ...sources.client },
  ];
  const missing = wanted.find(({ key, secret }) => (secretText(secret, key) ?? "") === "");
  return missing === undefined
    ? undefined
    : `Secret ${missing.namespace}/${missing.name} has no ${missing.key} yet: it comes from cluster-proxy`;
}
