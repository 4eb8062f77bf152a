import * as z from "zod";

const ownerReference = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  controller: z.boolean().optional(),
  blockOwnerDeletion: z.boolean().optional(),
});

/** The metadata that every object of an API server carries, as far as we read it. */
export const objectMeta = z.looseObject({
  name: z.string(),
  namespace: z.string().optional(),
  uid: z.string().optional(),
  resourceVersion: z.string().optional(),
  generation: z.number().optional(),
  creationTimestamp: z.string().optional(),
  deletionTimestamp: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  finalizers: z.array(z.string()).optional(),
  ownerReferences: z.array(ownerReference).optional(),
});

export type OwnerReference = z.infer<typeof ownerReference>;
export type ObjectMeta = z.infer<typeof objectMeta>;

/** The least that is known of any object. */
export interface KubeObject {
  readonly apiVersion?: string | undefined;
  readonly kind?: string | undefined;
  readonly metadata: ObjectMeta;
}

export interface OwnerReferenceOptions {
  /** The owner is the one controller of the object. Defaults to false. */
  readonly controller?: boolean;
  /** Foreground deletion of the owner waits for the object. Defaults to false. */
  readonly blockOwnerDeletion?: boolean;
}

/**
 * A reference that lets garbage collection remove an object with its owner. The owner must come
 * from the API server (it needs a uid) and be cluster-scoped or in the object's own namespace.
 */
export function ownerReferenceTo(
  apiVersion: string,
  kind: string,
  owner: KubeObject,
  { controller = false, blockOwnerDeletion = false }: OwnerReferenceOptions = {},
): OwnerReference {
  const { name, uid } = owner.metadata;
  if (uid === undefined) throw new TypeError(`Cannot refer to ${kind} ${name}: it has no uid`);
  return {
    apiVersion,
    kind,
    name,
    uid,
    ...(controller ? { controller } : {}),
    ...(blockOwnerDeletion ? { blockOwnerDeletion } : {}),
  };
}
