import {
  type Condition,
  type ManagedCluster,
  managedCluster,
  type Manifest,
  type ManifestWork,
  manifestWork,
} from "#api";
import type { AddonStatus, AddonView } from "../addon/addon-view.ts";
import type { ConfigSource, KnownConfig } from "../addon/configuration/config-source.ts";
import type { AddonDefinition } from "../addon/definition.ts";

export const now = new Date("2026-05-01T12:00:00Z");
export const earlier = "2026-04-01T00:00:00Z";

/** A condition that has stood for a while. */
export function makeCondition(overrides: Partial<Condition> & { readonly type: string }): Condition {
  return { status: "True", reason: "Because", message: "", lastTransitionTime: earlier, ...overrides };
}

export const configured = makeCondition({ type: "Configured" });

export function makeStatus(overrides: Partial<AddonStatus> = {}): AddonStatus {
  return {
    conditions: [configured],
    supportedConfigs: [],
    configReferences: [],
    namespace: undefined,
    registrations: [],
    healthMode: undefined,
    ...overrides,
  };
}

/** The addon `test` on cluster `c1`, adopted by OCM and configured. */
export function makeAddon(overrides: Partial<AddonView> = {}): AddonView {
  return {
    cluster: "c1",
    name: "managed-serviceaccount",
    object: {
      metadata: {
        name: "managed-serviceaccount",
        namespace: "c1",
        uid: "addon-uid",
        resourceVersion: "7",
        ownerReferences: [
          {
            apiVersion: "addon.open-cluster-management.io/v1beta1",
            kind: "ClusterManagementAddOn",
            name: "managed-serviceaccount",
            uid: "cma-uid",
          },
        ],
      },
    },
    isDeleting: false,
    installNamespace: undefined,
    specConfigs: [],
    status: makeStatus(),
    ...overrides,
  };
}

export function makeCluster(overrides: Record<string, unknown> = {}): ManagedCluster {
  return managedCluster.parse({
    metadata: { name: "c1" },
    spec: { hubAcceptsClient: true },
    ...overrides,
  });
}

export function makeManifest(name: string, extra: Record<string, unknown> = {}): Manifest {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "ns" }, ...extra };
}

export function makeWork(name: string, manifests: readonly Manifest[]): ManifestWork {
  return manifestWork.parse({
    metadata: { name, namespace: "c1", generation: 1, resourceVersion: "3" },
    spec: { workload: { manifests } },
  });
}

/** An addon that puts one ConfigMap on each cluster. */
export function makeDefinition(overrides: Partial<AddonDefinition> = {}): AddonDefinition {
  return {
    name: "managed-serviceaccount",
    hubAccess: {
      subject: (cluster) => ({ user: `user-of-${cluster}`, groups: ["agents"] }),
      role: { name: "agent", rules: [{ apiGroups: [""], resources: ["secrets"], verbs: ["get"] }] },
    },
    customSigners: [],
    installNamespace: { default: "default-ns", isChosenByAddon: true },
    healthMode: "Lease",
    render: () => ({ kind: "manifests", manifests: [makeManifest("m")] }),
    triggers: [],
    ...overrides,
  };
}

/** Knows the configurations that it is given, of kinds `widgets` and `addondeploymentconfigs`. */
export function makeSource(known: readonly KnownConfig[] = []): ConfigSource {
  const common = { version: "v1", kind: "Any", namespaced: true };
  const kinds = [
    { ...common, group: "addon.open-cluster-management.io", plural: "addondeploymentconfigs" },
    { ...common, group: "test", plural: "widgets" },
  ];
  return {
    kinds,
    isSupported: ({ group, resource }) =>
      kinds.some((kind) => kind.group === group && kind.plural === resource),
    find: ({ resource }, { name }) =>
      known.find((entry) => entry.type.plural === resource && entry.object.metadata.name === name),
  };
}

/** A configuration of kind `widgets`. */
export function makeWidget(name: string, specHash: string): KnownConfig {
  const type = { group: "test", version: "v1", plural: "widgets", kind: "Any", namespaced: true };
  return { type, object: { metadata: { name, generation: 4 } }, specHash };
}
