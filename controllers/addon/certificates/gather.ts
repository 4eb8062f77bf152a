import { type CertificateSigningRequest, ocmLabels } from "#api";
import { type CertificateRequest, parseRequest } from "#pki";
import type { ConfigSource } from "../configuration/config-source.ts";
import type { AddonDefinition } from "../definition.ts";
import type { DeployCaches } from "../deploy/gather.ts";
import { installNamespace } from "../deploy/install-namespace.ts";
import { planRegistrations } from "../deploy/registration.ts";
import type { Snapshot } from "./snapshot.ts";

/** Reads all that is known about a request, or undefined when it names no cluster. */
export async function gather(
  definition: AddonDefinition,
  { clusters, addonOf }: Pick<DeployCaches, "clusters" | "addonOf">,
  source: ConfigSource,
  request: CertificateSigningRequest,
): Promise<Snapshot | undefined> {
  const clusterName = request.metadata.labels?.[ocmLabels.clusterName];
  if (clusterName === undefined) return undefined;
  const addon = addonOf(clusterName);
  return {
    request,
    asked: await read(request),
    addonName: definition.name,
    clusterName,
    cluster: clusters.get(clusterName),
    hasAddon: addon !== undefined && !addon.isDeleting,
    installNamespace: addon && installNamespace(definition, source, addon),
    registrations: addon === undefined ? [] : planRegistrations(definition, addon),
  };
}

async function read({ spec }: CertificateSigningRequest): Promise<CertificateRequest | undefined> {
  const pem = Buffer.from(spec.request, "base64").toString("utf8");
  // What cannot be read is an objection of its own.
  return parseRequest(pem).catch(() => undefined);
}
