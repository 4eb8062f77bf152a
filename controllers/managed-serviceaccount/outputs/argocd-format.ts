import * as z from "zod";
import { argocdCluster, type Secret } from "#api";

/** For tests: the keys that Argo CD's ClusterConfig has; it ignores others, which would be our fault. */
const clusterConfig = z.strictObject({
  username: z.string().optional(),
  password: z.string().optional(),
  bearerToken: z.string().min(1),
  tlsClientConfig: z.strictObject({
    insecure: z.literal(false),
    serverName: z.string().optional(),
    caData: z.base64().optional(),
  }),
  disableCompression: z.boolean().optional(),
});

const clusterData = z.strictObject({
  name: z.string().min(1),
  server: z.url({ protocol: /^https$/ }).refine((url) => !url.endsWith("/")),
  config: z.string().transform((text) => clusterConfig.parse(JSON.parse(text))),
  namespaces: z
    .string()
    .regex(/^[a-z0-9-]+(,[a-z0-9-]+)*$/)
    .optional(),
  clusterResources: z.enum(["true", "false"]).optional(),
  project: z.string().min(1).optional(),
});

/** For tests: reads the Secret of a cluster as strictly as can be, and goes where it leads. */
export function readArgocdCluster({ metadata, data = {} }: Secret) {
  if (metadata.labels?.[argocdCluster.typeLabel] !== argocdCluster.type) {
    throw new Error(`Secret ${metadata.name} is no cluster of Argo CD`);
  }
  const texts = Object.entries(data).map(([key, value]) => [
    key,
    Buffer.from(value, "base64").toString(),
  ]);
  const { server, config } = clusterData.parse(Object.fromEntries(texts));
  const { caData, serverName } = config.tlsClientConfig;
  const cluster = {
    server,
    "certificate-authority-data": caData,
    "tls-server-name": serverName,
  };
  const kubeconfig = JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "a",
    clusters: [{ name: "a", cluster }],
    users: [{ name: "a", user: { token: config.bearerToken } }],
    contexts: [{ name: "a", context: { cluster: "a", user: "a" } }],
  });
  return { server, kubeconfig };
}
