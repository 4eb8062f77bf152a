import { certManagerCertificates, type ManagedProxyConfiguration } from "#api";
import type { Desired } from "../../installation/action.ts";
import { ownedBy } from "../../installation/owner.ts";
import { type AuthorityName, type AuthorityPlaces, authorityNames } from "./authorities.ts";
import { ownerOf } from "./desired.ts";
import type { Snapshot } from "./gather.ts";
import { certManagerNames } from "./sources.ts";

/** What cert-manager is asked for: an authority for each side. Nothing where it is not the signer. */
export function authorityRequests(
  { configuration, sources }: Pick<Snapshot, "configuration" | "sources">,
  places: AuthorityPlaces,
): readonly Desired[] {
  const { type, certManager } = configuration.spec.authentication.signer;
  if (type !== "CertManager" || certManager === undefined || sources?.isServed !== true) return [];
  return authorityNames.map((name) => ({
    type: certManagerCertificates,
    object: request(configuration, certManager, places, name),
  }));
}

type CertManagerSettings = NonNullable<
  ManagedProxyConfiguration["spec"]["authentication"]["signer"]["certManager"]
>;

function request(
  configuration: ManagedProxyConfiguration,
  { issuerRef, duration, renewBefore }: CertManagerSettings,
  places: AuthorityPlaces,
  name: AuthorityName,
) {
  const { namespace, commonName } = places[name];
  return {
    metadata: ownedBy(ownerOf(configuration), certManagerNames[name], namespace),
    spec: {
      isCA: true,
      commonName,
      secretName: certManagerNames[name],
      issuerRef,
      usages: ["cert sign", "crl sign", "digital signature"],
      // A renewed authority with the old key would not end what somebody does who has that key.
      privateKey: { algorithm: "ECDSA", size: 256, rotationPolicy: "Always" },
      ...(duration === undefined ? {} : { duration }),
      ...(renewBefore === undefined ? {} : { renewBefore }),
    },
  };
}
