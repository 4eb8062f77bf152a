import {
  clusterSecretAnnotations,
  clusterSecretKeys,
  clusterSecretLabels,
  defaultClusterGatewayLayout,
  endpointTypes,
  type ManagedCluster,
  type Secret,
  secrets as secretType,
} from "#api";
import type { KubeClient, ObjectCache } from "#kube";
import { healthError, unknownCluster } from "../answers/cluster-errors.ts";
import type { ClusterOrigin, ClusterSource, Health } from "./cluster-source.ts";
import { textOf } from "./material.ts";

export interface SecretOriginOptions {
  readonly secrets: Pick<ObjectCache<Secret>, "get" | "onChange" | "resourceVersion" | "isSynced">;
  /** Without it, Secrets alone count. */
  readonly managedClusters?:
    | Pick<ObjectCache<ManagedCluster>, "get" | "onChange" | "isSynced">
    | undefined;
  readonly secretNamespace: string;
  readonly client: Pick<KubeClient, "replace">;
}

/** Clusters that are kept in labelled Secrets of one namespace, by the cluster's name. */
export function createSecretOrigin({
  secrets,
  managedClusters,
  secretNamespace,
  client,
}: SecretOriginOptions): ClusterOrigin {
  const placeOf = (name: string) => `${secretNamespace}/${name}`;
  return {
    layout: defaultClusterGatewayLayout,
    placeOf,
    find(name) {
      const secret = secrets.get(placeOf(name));
      const managedCluster = managedClusters?.get(name);
      if (secret !== undefined)
        return { kind: "found", source: secretSource(secret, managedCluster) };
      return managedCluster === undefined
        ? { kind: "unknown" }
        : { kind: "pending", why: "it does not exist" };
    },
    onChange(listener) {
      secrets.onChange(({ after, before }) => {
        listener((after ?? before)?.metadata.name ?? "", true);
      });
      managedClusters?.onChange(({ key }) => listener(key, false));
    },
    version: () => secrets.resourceVersion,
    reasonNotReady() {
      if (!secrets.isSynced) return "Secrets of clusters are not listed yet";
      return managedClusters?.isSynced === false ? "ManagedClusters are not listed yet" : undefined;
    },
    async keepHealth(name, health, { isDryRun: dryRun, signal }) {
      const secret = secrets.get(placeOf(name));
      if (secret === undefined) throw unknownCluster(name, defaultClusterGatewayLayout);
      try {
        const saved = await client.replace(secretType, withHealth(secret, health), signal, {
          dryRun,
        });
        return saved.metadata.resourceVersion;
      } catch (error) {
        throw healthError(error, name);
      }
    },
  };
}

/** A cluster that is kept in a Secret, and maybe known to OCM as well. Pure. */
export function secretSource(
  secret: Secret,
  managedCluster: ManagedCluster | undefined,
): ClusterSource {
  const { name, labels = {}, annotations = {} } = secret.metadata;
  return {
    layout: defaultClusterGatewayLayout,
    name,
    metadata: secret.metadata,
    secret,
    managedCluster,
    credentialType: labels[clusterSecretLabels.credentialType] ?? "",
    endpointType: labels[clusterSecretLabels.endpointType] ?? endpointTypes.const,
    proxyUrl: textOf(secret, clusterSecretKeys.proxyUrl).trim(),
    healthy: annotations[clusterSecretAnnotations.healthy],
    healthyReason: annotations[clusterSecretAnnotations.healthyReason],
    proxyConfiguration: annotations[clusterSecretAnnotations.proxyConfiguration],
  };
}

/** The Secret with the verdict written on it. Pure. */
export function withHealth(secret: Secret, { healthy, healthyReason }: Health): Secret {
  const annotations = {
    ...secret.metadata.annotations,
    [clusterSecretAnnotations.healthy]: String(healthy),
    [clusterSecretAnnotations.healthyReason]: healthyReason,
  };
  return { ...secret, metadata: { ...secret.metadata, annotations } };
}
