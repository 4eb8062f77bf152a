import type {
  AddOnDeploymentConfig,
  AddonName,
  KubeObject,
  ManagedCluster,
  Manifest,
  ManifestConfig,
  ResourceType,
} from "#api";
import type { Trigger } from "#kube";
import type { Authority } from "#pki";

/** Whom a certificate of an addon's agent is for. */
export interface AgentSubject {
  readonly user: string;
  readonly groups: readonly string[];
}

/** Access to the hub's API, which every agent of ours has. */
export interface HubAccess {
  readonly subject: (cluster: string) => AgentSubject;
  /** The Role in the cluster's namespace, and its binding, that give the agent its rights. */
  readonly role: { readonly name: string; readonly rules: readonly PolicyRule[] };
}

/** Certificates that we sign ourselves. */
export interface CustomSigner {
  readonly signerName: string;
  readonly subject: (cluster: string) => AgentSubject;
  /** The authority of this moment; undefined while there is none. */
  readonly authority: () => Authority | undefined;
  readonly lifetimeMs: number;
  /** What the certificate is good for. Defaults to clients. */
  readonly usages?: readonly ("client" | "server")[];
  /**
   * The names that the certificate speaks for beside those that were asked for: the klusterlet
   * asks for the same ones on every cluster.
   */
  readonly names: (cluster: string, installNamespace: string) => readonly string[];
}

/** One rule of a Role. */
export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** What is known when the manifests of one cluster are made. */
export interface RenderInput {
  readonly cluster: ManagedCluster;
  readonly installNamespace: string;
  readonly deploymentConfig: AddOnDeploymentConfig | undefined;
  /** The addon's own configuration, as the API server sent it; undefined when none applies. */
  readonly config: KubeObject | undefined;
}

/** What an addon puts on a managed cluster. */
export type Rendering =
  | {
      readonly kind: "manifests";
      readonly manifests: readonly Manifest[];
      readonly manifestConfigs?: readonly ManifestConfig[];
    }
  /** Something on the hub is not there yet; whatever brings it triggers another look. */
  | { readonly kind: "waiting"; readonly message: string };

/** Everything in which one addon differs from another. */
export interface AddonDefinition {
  readonly name: AddonName;
  /** The kind of its own configuration, beside AddOnDeploymentConfig. */
  readonly configKind?: ResourceType;
  readonly hubAccess?: HubAccess;
  readonly customSigners: readonly CustomSigner[];
  readonly installNamespace: {
    readonly default: string;
    /** An administrator may name another in the ManagedClusterAddOn. */
    readonly isChosenByAddon: boolean;
  };
  readonly healthMode: "Lease" | "Customized";
  /**
   * Makes the manifests, from what it is given and what it has read before. Throws a
   * `TerminalError` when the input cannot be used; its message goes into the addon's condition.
   */
  readonly render: (input: RenderInput) => Rendering;
  /** What else changes the manifests; a key is a cluster, or empty for all of them. */
  readonly triggers: readonly Trigger[];
}
