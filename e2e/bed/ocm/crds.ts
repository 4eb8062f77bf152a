import { at } from "../conditions.ts";

/** Which versions of OCM's addon API a hub serves. */
export type AddonVersions = "v1alpha1" | "v1alpha1-and-v1beta1";

/** Where the API server finds the conversion between them. */
export interface ConversionEndpoint {
  readonly url: string;
  /** PEM of the authority of its certificate, in base64. */
  readonly caBundle: string;
}

interface Crd {
  readonly spec: {
    readonly group: string;
    readonly versions: readonly { readonly name: string }[];
    readonly conversion?: unknown;
  };
}

const addonGroup = "addon.open-cluster-management.io";

/**
 * Fits OCM's CRD to a hub: with one version of the addon API there is nothing to convert, with
 * two the conversion runs beside the API server and is found by URL instead of by Service.
 */
export function fitCrd(
  crd: unknown,
  addonVersions: AddonVersions,
  endpoint: ConversionEndpoint,
): unknown {
  if (!isCrd(crd) || crd.spec.group !== addonGroup) return crd;
  const { conversion, ...spec } = crd.spec;
  if (addonVersions === "v1alpha1") {
    const versions = spec.versions.filter(({ name }) => name === "v1alpha1");
    return { ...crd, spec: { ...spec, versions } };
  }
  if (conversion === undefined) return crd;
  const webhook = { clientConfig: endpoint, conversionReviewVersions: ["v1"] };
  return { ...crd, spec: { ...spec, conversion: { strategy: "Webhook", webhook } } };
}

function isCrd(object: unknown): object is Crd {
  return (
    at(object, "kind") === "CustomResourceDefinition" &&
    typeof at(object, "spec", "group") === "string" &&
    Array.isArray(at(object, "spec", "versions"))
  );
}
