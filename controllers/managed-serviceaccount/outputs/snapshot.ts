import {
  type AccountOutputKind,
  accountOutputAnnotations,
  accountOutputKinds,
  accountOutputLabels,
  type ConfigMap,
  type ManagedServiceAccount,
  type ObjectMeta,
  type Secret,
} from "#api";
import type { ReachFacts } from "./reach.ts";
import type { TokenContent } from "./token-content.ts";

/** What the hub's administrator allows. */
export interface OutputPolicy {
  /** Namespaces for outputs, beside the account's own. */
  readonly namespaces: readonly string[];
  /** Where the gateway reads passes; empty while it is closed for tokens of accounts. */
  readonly passNamespace: string;
  /** Whether accounts that are synced to ClusterProfiles get a pass as well. */
  readonly hasPassesForProfiles: boolean;
}

/** Where one output is. */
export interface Place {
  readonly kind: AccountOutputKind;
  readonly namespace: string;
  readonly name: string;
}

/** Something of ours that exists, as its watch has told. */
export interface MadeOutput extends Place {
  readonly metadata: ObjectMeta;
}

/** All that the plan for one account looks at. */
export interface OutputSnapshot {
  /** `<namespace>/<name>` of the account; its namespace is its cluster. */
  readonly key: string;
  /** Undefined once it is gone. */
  readonly account: ManagedServiceAccount | undefined;
  /** Whether the cluster has the addon, and keeps it. */
  readonly isServed: boolean;
  readonly token: TokenContent | undefined;
  readonly ways: ReachFacts;
  readonly policy: OutputPolicy;
  /** What stands at each wanted place, whoever made it, by {@link keyOfPlace}. */
  readonly found: ReadonlyMap<string, Secret | ConfigMap>;
  /** All that was made for the account, wanted or not. */
  readonly made: readonly MadeOutput[];
  /** What was made for other accounts. */
  readonly others: readonly MadeOutput[];
  readonly now: Date;
}

/** A place as one word. */
export function keyOfPlace({ kind, namespace, name }: Place): string {
  const resource = kind === accountOutputKinds.gatewayPass ? "configmap" : "secret";
  return `${resource} ${namespace}/${name}`;
}

/** The account that an object was made for; undefined for objects that others made. */
export function ownerKeyOf({ annotations }: ObjectMeta): string | undefined {
  return annotations?.[accountOutputAnnotations.outputOf];
}

/** An object of ours with its kind; undefined for one whose label says none that there is. */
export function madeOutputOf(metadata: ObjectMeta): MadeOutput | undefined {
  const label = metadata.labels?.[accountOutputLabels.output];
  const kind = Object.values(accountOutputKinds).find((known) => known === label);
  const { name, namespace } = metadata;
  if (kind === undefined || namespace === undefined) return undefined;
  return { kind, name, namespace, metadata };
}
