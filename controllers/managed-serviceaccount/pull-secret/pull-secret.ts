import { type Secret, secrets } from "#api";
import { createObjectCache, type ObjectCache } from "#kube";
import type { ControllerDeps } from "../../addon/addon.ts";

/** A Secret of our namespace with which agents pull their image. */
export interface PullSecret {
  readonly name: string;
  readonly namespace: string;
  readonly secrets: ObjectCache<Secret>;
}

/** Key of its content. */
export const pullSecretKey = ".dockerconfigjson";

/** The Secret of that name, and a cache of it alone; undefined for no name. */
export function openPullSecret(
  { client, namespace, log }: Pick<ControllerDeps, "client" | "namespace" | "log">,
  name: string,
): PullSecret | undefined {
  if (name === "") return undefined;
  const fieldSelector = `metadata.name=${name}`;
  const cache = createObjectCache<Secret>(client, secrets, { namespace, fieldSelector, log });
  return { name, namespace, secrets: cache };
}

/** Its content as Secrets hold it (base64); undefined while there is none. */
export function pullSecretData({
  name,
  namespace,
  secrets: cache,
}: PullSecret): string | undefined {
  const data = cache.get(`${namespace}/${name}`)?.data?.[pullSecretKey];
  return data === "" ? undefined : data;
}

/** Why agents get none. */
export function missingPullSecret({ name, namespace }: PullSecret): string {
  return `Secret ${namespace}/${name} has no ${pullSecretKey}`;
}

/** The Secret as it is on a managed cluster. */
export function pullSecretManifest(name: string, namespace: string, data: string) {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace },
    type: "kubernetes.io/dockerconfigjson",
    data: { [pullSecretKey]: data },
  };
}
