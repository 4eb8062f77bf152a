import {
  apiVersionOf,
  type KubeObject,
  type ObjectMeta,
  ownerReferenceTo,
  type ResourceType,
} from "#api";

/** A configuration of ours, which all that is made for it goes with. */
export interface Owner {
  readonly type: ResourceType;
  readonly object: KubeObject;
  /** Labels of all that is made for it. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Metadata of an object that goes with `owner`; without a namespace it is cluster-scoped. */
export function ownedBy(
  { type, object, labels }: Owner,
  name: string,
  namespace?: string,
): ObjectMeta {
  const owner = ownerReferenceTo(apiVersionOf(type), type.kind, object, {
    blockOwnerDeletion: true,
  });
  const where = namespace === undefined ? {} : { namespace };
  return { name, ...where, labels, ownerReferences: [owner] };
}
