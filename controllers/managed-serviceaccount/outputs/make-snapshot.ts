import {
  accountOutputAnnotations,
  type ConfigMap,
  type ManagedServiceAccount,
  managedClusters,
  managedServiceAccounts,
  type Secret,
} from "#api";
import { keyOfPlace, type MadeOutput, madeOutputOf, type OutputSnapshot } from "./snapshot.ts";
import type { TokenContent } from "./token-content.ts";

/** For tests: the moment at which plans are made. */
export const planTime = new Date("2026-01-01T00:00:00Z");

const path = "/apis/cluster.core.oam.dev/v1alpha1/clustergateways/managed1/proxy";
/** For tests: where both ways of the made snapshots lead. */
export const servers = {
  gateway: `https://gw.svc:9443${path}`,
  direct: "https://api.one",
} as const;

/** For tests: an account `managed1/<name>` that asks for outputs. */
export function makeAccount(outputs: unknown, name = "ci"): ManagedServiceAccount {
  return managedServiceAccounts.parse({
    metadata: { name, namespace: "managed1", uid: `uid-${name}`, generation: 3 },
    spec: { rotation: {}, outputs },
  });
}

/** For tests: a token that is valid for an hour. */
export function makeToken(text = "a.b.c"): TokenContent {
  return { text, expiresAtMs: planTime.getTime() + 3_600_000 };
}

/** For tests: everything is there and allowed; nothing is made yet. */
export function makeSnapshot(
  account: ManagedServiceAccount | undefined,
  changes: Partial<OutputSnapshot> = {},
): OutputSnapshot {
  const managedCluster = managedClusters.parse({
    metadata: { name: "managed1" },
    spec: { managedClusterClientConfigs: [{ url: servers.direct, caBundle: "T25l" }] },
  });
  return {
    key: account === undefined ? "managed1/ci" : `managed1/${account.metadata.name}`,
    account,
    isServed: true,
    token: makeToken(),
    ways: {
      cluster: "managed1",
      managedCluster,
      gateway: {
        apiVersion: "cluster.core.oam.dev/v1alpha1",
        server: "https://gw.svc:9443",
        caData: "Q0E=",
      },
    },
    policy: { namespaces: ["argocd"], passNamespace: "gw", hasPassesForProfiles: false },
    found: new Map(),
    made: [],
    others: [],
    now: planTime,
    ...changes,
  };
}

/** For tests: the same, after these objects have been written. */
export function withWritten(
  snapshot: OutputSnapshot,
  ...objects: readonly (Secret | ConfigMap)[]
): OutputSnapshot {
  const made = objects.map(madeOf);
  return {
    ...snapshot,
    found: new Map(made.map((output, at) => [keyOfPlace(output), objects[at] as Secret])),
    made: made.filter(
      ({ metadata }) => metadata.annotations?.[accountOutputAnnotations.outputOf] === snapshot.key,
    ),
  };
}

function madeOf({ metadata }: Secret | ConfigMap): MadeOutput {
  const { name, namespace = "" } = metadata;
  return madeOutputOf(metadata) ?? { kind: "kubeconfig", name, namespace, metadata };
}
