import type { KubeObject, ResourceType, Secret } from "#api";
import type { Authority } from "#pki";
import type { AuthoritySource, RotationStep } from "./authority-rotation.ts";
import type { WantedCertificate } from "./certificates.ts";

/** An object that is to be on the hub. */
export interface Desired {
  readonly type: ResourceType;
  readonly object: KubeObject;
}

/** A certificate authority of ours, and the Secret that keeps it. */
export interface AuthorityPlace {
  readonly namespace: string;
  readonly name: string;
  readonly commonName: string;
}

/** What can be done for a configuration of ours. */
export type Action =
  | {
      readonly kind: "makeAuthority";
      readonly place: AuthorityPlace;
      readonly source: AuthoritySource;
    }
  | {
      readonly kind: "rotateAuthority";
      readonly place: AuthorityPlace;
      readonly secret: Secret;
      readonly step: RotationStep;
      readonly source: AuthoritySource;
    }
  | {
      readonly kind: "issue";
      readonly certificate: WantedCertificate;
      readonly authority: Authority;
      readonly why: string;
    }
  /** Removes this incarnation of an object, and no other. */
  | { readonly kind: "discard"; readonly type: ResourceType; readonly object: KubeObject }
  | { readonly kind: "apply"; readonly desired: Desired };

/** One `apply` for each object, in their order. */
export function applies(objects: readonly Desired[]): readonly Action[] {
  return objects.map((desired) => ({ kind: "apply", desired }));
}
