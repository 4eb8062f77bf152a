import { addonNames, type KubeObject, managedProxyConfigurations, signerNames } from "#api";
import { type ObjectCache, onCacheChange } from "#kube";
import type { AddonDefinition, RenderInput, Rendering } from "../addon/definition.ts";
import { httpsProxyCa } from "../addon/rendering/https-proxy.ts";
import { variable, wholeNumberVariable } from "../addon/rendering/variables.ts";
import { defaultSubject } from "../addon/subject.ts";
import type { AuthorityCache } from "../installation/authority-cache.ts";
import { lifetimes } from "../installation/perform.ts";
import { agentManifests } from "./agent-manifests.ts";
import { parseConfiguration } from "./configuration.ts";
import { resolveEntrypoint } from "./entrypoint.ts";
import { proxyNames, servedHosts } from "./names.ts";

export interface ClusterProxyAgentOptions {
  /** Namespace of the agent when no configuration names one. */
  readonly installNamespace: string;
  readonly isKubeApiProxied: boolean;
}

export interface ClusterProxySources {
  /** As the API server sends them; an authority counts only with its configuration. */
  readonly configurations: ObjectCache<KubeObject>;
  readonly authority: AuthorityCache;
  /** Services of the tunnel server, of which one may be a load balancer. */
  readonly services: ObjectCache<KubeObject>;
}

/** What cluster-proxy is among OCM's addons. */
export function clusterProxyDefinition(
  options: ClusterProxyAgentOptions,
  sources: ClusterProxySources,
): AddonDefinition {
  const name = addonNames.clusterProxy;
  return {
    name,
    configKind: managedProxyConfigurations,
    hubAccess: {
      subject: (cluster) => defaultSubject(name, "addon-agent", cluster),
      role: {
        name: proxyNames.agentRole,
        rules: [
          {
            apiGroups: ["coordination.k8s.io"],
            resources: ["leases"],
            verbs: ["get", "create", "update", "patch"],
          },
        ],
      },
    },
    customSigners: [
      {
        signerName: signerNames.proxyAgent,
        subject: (cluster) => defaultSubject(name, "proxy-agent", cluster),
        names: servedHosts,
        authority: () => sources.authority.current(),
        lifetimeMs: lifetimes.certificateMs,
      },
    ],
    // Version v1alpha1 of the addon fills in a namespace that nobody chose.
    installNamespace: { default: options.installNamespace, isChosenByAddon: false },
    healthMode: "Lease",
    render: (input) => render(options, sources, input),
    triggers: [
      onCacheChange(sources.configurations, ({ before, after }) =>
        before?.metadata.uid === after?.metadata.uid ? [] : [""],
      ),
      onCacheChange(sources.authority.secrets, () => [""]),
      onCacheChange(sources.services, () => [""]),
    ],
  };
}

function render(
  { isKubeApiProxied }: ClusterProxyAgentOptions,
  { authority, services }: ClusterProxySources,
  { cluster, installNamespace: namespace, deploymentConfig, config }: RenderInput,
): Rendering {
  if (config === undefined) return waiting("no ManagedProxyConfiguration applies");
  const { spec } = parseConfiguration(config);
  if (authority.current() === undefined)
    return waiting("the tunnel's certificate authority is not there yet");
  const { loadBalancerService } = spec.proxyServer.entrypoint;
  const service = services.get(`${spec.proxyServer.namespace}/${loadBalancerService.name}`);
  const entrypoint = resolveEntrypoint(spec, service);
  if (entrypoint === undefined) return waiting("the load balancer has no address yet");
  const manifests = agentManifests({
    clusterName: cluster.metadata.name,
    namespace,
    spec,
    entrypoint,
    caPem: authority.trusted(),
    httpsProxyCaPem: httpsProxyCa(deploymentConfig),
    replicas: wholeNumberVariable(deploymentConfig, "replicas") ?? spec.proxyAgent.replicas,
    serviceDomain: variable(deploymentConfig, "serviceDomain") ?? "svc.cluster.local",
    isKubeApiProxied,
  });
  return { kind: "manifests", manifests };
}

function waiting(message: string): Rendering {
  return { kind: "waiting", message };
}
