import type { Condition, KubeObject, ResourceType } from "#api";
import type { Certificate } from "#pki";
import type { Action } from "./action.ts";
import type { WantedCertificate } from "./certificates.ts";
import type { Target } from "./following-trigger.ts";
import type { Owner } from "./owner.ts";

/** What is to be done for a configuration. */
export interface Plan {
  readonly actions: readonly Action[];
  /** What has to appear before the rest can be done; undefined when nothing is missing. */
  readonly missing: string | undefined;
}

/** A certificate that is kept, in the Secret that it is kept in. */
export type KeptCertificate = Pick<WantedCertificate, "namespace" | "secretName"> & {
  readonly certificate: Certificate | undefined;
};

/** What is to be looked at again by the clock, as nothing tells of it. */
export interface Upkeep {
  readonly certificates: readonly KeptCertificate[];
  /** Other times at which something is due, from now. */
  readonly dueInMs: readonly number[];
}

/** Why nothing could be done for a configuration. */
export interface Refusal {
  readonly reason: string;
  readonly message: string;
}

/**
 * What one addon runs on the hub for its configuration: everything in which such installations
 * differ. Reading is in `gather`; all the rest decides and does nothing.
 */
export interface Installation<Configuration extends KubeObject, Snapshot> {
  readonly name: string;
  /** The kind of the configuration. */
  readonly type: ResourceType;
  /** The one configuration that is acted on: what is made for it has fixed names. */
  readonly configurationName: string;
  /** Throws a `TerminalError` that names what cannot be used. */
  readonly parse: (object: KubeObject) => Configuration;
  readonly ownerOf: (configuration: Configuration) => Owner;
  /** The objects whose changes ask for another look. */
  readonly targetsOf: (configuration: Configuration) => readonly Target[];
  readonly gather: (configuration: Configuration, signal: AbortSignal) => Promise<Snapshot>;
  /** Throws a `TerminalError` when something is there that cannot be used. */
  readonly plan: (snapshot: Snapshot, now: Date) => Plan;
  /** `obstacle` is what went wrong or is missing, if anything. */
  readonly conditions: (
    snapshot: Snapshot,
    obstacle: string | undefined,
    now: Date,
  ) => readonly Condition[];
  /** The type of the condition that says whether it runs. */
  readonly deployedType: string;
  readonly upkeep: (snapshot: Snapshot, now: Date) => Upkeep;
  /** What helps when the hub forbids something, for people. */
  readonly adviceOnForbidden: string;
}
