import { type ExposedService, type Manifest, serviceProxyHost } from "#api";
import { proxyNames } from "./names.ts";

/** What the service proxy on one managed cluster is made from. */
export interface ServiceProxyInput {
  /** Whether users of the hub act on the cluster, impersonated by the agent. */
  readonly isImpersonating: boolean;
  /** The authorities that the user server's certificate may come from, PEM. */
  readonly userServerCaPem: string;
  readonly exposed: readonly ExposedService[];
  /** ConfigMap beside the agent with further authorities of Services; empty for none. */
  readonly additionalCaConfigMap: string;
  readonly additionalArgs: readonly string[];
}

/** Key of the agent's Secret of authorities. */
export const userServerCaKey = "user-server-ca.crt";
const exposedKey = "services.yaml";
const additionalCaKey = "service-ca.crt";
const apiGroup = "rbac.authorization.k8s.io";

/** What the agent says that it serves, beside the API server. */
export function serviceProxyIdentifier(clusterName: string): string {
  return `host=${serviceProxyHost(clusterName)}`;
}

/** Flags of the agent. */
export function serviceProxyFlags(input: ServiceProxyInput): readonly string[] {
  return [
    "--enable-service-proxy=true",
    `--service-proxy-client-ca=/etc/ca/${userServerCaKey}`,
    `--exposed-services-file=/etc/exposed-services/${exposedKey}`,
    `--enable-impersonation=${input.isImpersonating}`,
    ...(input.additionalCaConfigMap === ""
      ? []
      : [`--additional-service-ca=/etc/additional-service-ca/${additionalCaKey}`]),
    ...input.additionalArgs,
  ];
}

interface ConfigMapVolume {
  readonly name: string;
  readonly configMap: { readonly name: string; readonly optional?: boolean };
}

/** Volumes of the agent's pod, by the path that each is mounted at. */
export function serviceProxyVolumes({
  additionalCaConfigMap,
}: ServiceProxyInput): Readonly<Record<string, ConfigMapVolume>> {
  const exposed = { name: "exposed-services", configMap: { name: proxyNames.exposedServices } };
  const additional = {
    name: "additional-service-ca",
    configMap: { name: additionalCaConfigMap, optional: true },
  };
  return {
    "/etc/exposed-services": exposed,
    ...(additionalCaConfigMap === "" ? {} : { "/etc/additional-service-ca": additional }),
  };
}

/** The list of Services, and the right to impersonate where users of the hub act. */
export function serviceProxyManifests(
  namespace: string,
  { exposed, isImpersonating }: ServiceProxyInput,
): readonly Manifest[] {
  const list = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: proxyNames.exposedServices, namespace },
    // JSON is YAML.
    data: { [exposedKey]: JSON.stringify(exposed) },
  };
  return [list, ...(isImpersonating ? impersonation(namespace) : [])];
}

/**
 * Users and groups of any name, since RBAC knows no prefixes: it is the agent that refuses those in
 * `system:`, and the user server that sends none.
 */
function impersonation(namespace: string): readonly Manifest[] {
  const name = "cluster-proxy-addon-agent-impersonator";
  return [
    {
      apiVersion: `${apiGroup}/v1`,
      kind: "ClusterRole",
      metadata: { name },
      rules: [{ apiGroups: [""], resources: ["users", "groups"], verbs: ["impersonate"] }],
    },
    {
      apiVersion: `${apiGroup}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name: `${name}:${namespace}` },
      roleRef: { apiGroup, kind: "ClusterRole", name },
      subjects: [{ kind: "ServiceAccount", name: proxyNames.serviceAccount, namespace }],
    },
  ];
}
