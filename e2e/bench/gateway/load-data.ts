import { randomBytes } from "node:crypto";
import type { ClusterApi } from "#bed";
import { watchedNamespace } from "./watch-fan.ts";

/** A ConfigMap of about 1 KB as JSON. */
export const smallPath = "/api/v1/namespaces/default/configmaps/bench-small";
const listNamespace = "bench-list";
/** 2,500 ConfigMaps, about 6 MB as JSON. */
export const listPath = `/api/v1/namespaces/${listNamespace}/configmaps`;
const listed = 2500;
const inParallel = 16;

/** Makes the objects that are asked for. */
export async function fillManaged(api: ClusterApi): Promise<void> {
  for (const name of [listNamespace, watchedNamespace]) {
    await api.create("/api/v1/namespaces", { metadata: { name } });
  }
  await api.create("/api/v1/namespaces/default/configmaps", configMap("bench-small", 700));
  await api.create(`/api/v1/namespaces/${watchedNamespace}/configmaps`, {
    metadata: { name: "ticker" },
    data: { sentAt: "0" },
  });
  let next = 0;
  const worker = async () => {
    while (next < listed) await api.create(listPath, configMap(`item-${next++}`, 2000));
  };
  await Promise.all(Array.from({ length: inParallel }, worker));
}

/** Compresses to about a half, as objects do that are not all alike. */
function configMap(name: string, bytes: number) {
  return { metadata: { name }, data: { text: randomBytes(bytes / 2).toString("hex") } };
}
