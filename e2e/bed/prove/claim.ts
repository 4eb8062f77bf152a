import { BedError } from "../bed-error.ts";
import type { FullBed } from "../full/full-bed.ts";
import type { FullCluster } from "../full/full-cluster.ts";

/** Something that the bed promises. `check` returns what it saw, and throws where it is not so. */
export interface Proof {
  readonly says: string;
  readonly check: () => Promise<string>;
}

/** What the proofs look at. */
export interface ProofContext {
  readonly bed: FullBed;
  /** NodePort of the proofs' web server on the hub. */
  readonly hubNodePort: number;
  /** The same on each managed cluster, by name. */
  readonly managedNodePorts: ReadonlyMap<string, number>;
}

/** The namespace of the proofs on every cluster. */
export const proofNamespace = "bed-proof";

/** Throws a `claim` error unless `seen` is what it should be. */
export function expectSeen(seen: string, wanted: string | RegExp): string {
  const holds = typeof wanted === "string" ? seen === wanted : wanted.test(seen);
  if (holds) return seen;
  throw new BedError("claim", `saw ${JSON.stringify(seen)}, wanted ${wanted}`);
}

/** Every cluster of a bed, the hub first. */
export function allClusters({ hub, managed }: FullBed): readonly FullCluster[] {
  return [hub, ...managed];
}
