import type { Condition } from "./conditions.ts";
import type { KubeObject } from "./object-meta.ts";
import type { ResourceType } from "./resource.ts";

/** A Certificate of cert-manager, as far as we read it. */
export interface CertManagerCertificate extends KubeObject {
  readonly status?: {
    readonly conditions?: readonly Omit<Condition, "lastTransitionTime">[];
  };
}

/** cert-manager's Certificates: each asks for a Secret with a certificate and its key. */
export const certManagerCertificates: ResourceType<CertManagerCertificate> = {
  group: "cert-manager.io",
  version: "v1",
  plural: "certificates",
  kind: "Certificate",
  namespaced: true,
};
