import {
  addonNames,
  type ConfigMap,
  type ExposedService,
  ExposedServicesError,
  type KubeObject,
  type ManagedProxyConfigurationSpec,
  managedProxyConfigurations,
  parseExposedServices,
  signerNames,
} from "#api";
import { type ObjectCache, onCacheChange } from "#kube";
import { TerminalError } from "#runtime";
import type { AddonDefinition, RenderInput, Rendering } from "../addon/definition.ts";
import { httpsProxyCa } from "../addon/rendering/https-proxy.ts";
import { booleanVariable, variable, wholeNumberVariable } from "../addon/rendering/variables.ts";
import { defaultSubject } from "../addon/subject.ts";
import type { AuthorityCache } from "../installation/authority-cache.ts";
import { lifetimes } from "../installation/perform.ts";
import { agentManifests } from "./agent-manifests.ts";
import { parseConfiguration } from "./configuration.ts";
import { resolveEntrypoint } from "./entrypoint.ts";
import { proxyNames, servedHosts, serviceProxyGroup } from "./names.ts";
import type { ServiceProxyInput } from "./service-proxy.ts";

export interface ClusterProxyAgentOptions {
  /** Namespace of the agent when no configuration names one. */
  readonly installNamespace: string;
  readonly isKubeApiProxied: boolean;
  /** Whether users of the hub act on clusters through it, unless a cluster's configuration says otherwise. */
  readonly isImpersonating: boolean;
}

export interface ClusterProxySources {
  /** As the API server sends them; an authority counts only with its configuration. */
  readonly configurations: ObjectCache<KubeObject>;
  readonly authority: AuthorityCache;
  /** Undefined where agents serve no user server. */
  readonly serviceProxy: ServiceProxySources | undefined;
  /** Services of the tunnel server, of which one may be a load balancer. */
  readonly services: ObjectCache<KubeObject>;
}

export interface ServiceProxySources {
  /** Of the user server's certificate. */
  readonly authority: AuthorityCache;
  /** The lists of Services that may be reached. */
  readonly exposed: ObjectCache<ConfigMap>;
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
        subject: (cluster) => tunnelSubject(sources, cluster),
        // Klusterlets ask anew when the subject changes: so each has the certificate that it needs.
        usages: sources.serviceProxy === undefined ? ["client"] : ["client", "server"],
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
      ...serviceProxyTriggers(sources.serviceProxy),
    ],
  };
}

function tunnelSubject({ serviceProxy }: ClusterProxySources, cluster: string) {
  const { user, groups } = defaultSubject(addonNames.clusterProxy, "proxy-agent", cluster);
  return { user, groups: serviceProxy === undefined ? groups : [...groups, serviceProxyGroup] };
}

function serviceProxyTriggers(sources: ServiceProxySources | undefined) {
  if (sources === undefined) return [];
  const { authority, exposed } = sources;
  return [onCacheChange(authority.secrets, () => [""]), onCacheChange(exposed, () => [""])];
}

function render(
  options: ClusterProxyAgentOptions,
  sources: ClusterProxySources,
  input: RenderInput,
): Rendering {
  const { cluster, installNamespace: namespace, deploymentConfig, config } = input;
  const { authority, services, serviceProxy } = sources;
  if (config === undefined) return waiting("no ManagedProxyConfiguration applies");
  const { spec } = parseConfiguration(config);
  if (authority.current() === undefined)
    return waiting("the tunnel's certificate authority is not there yet");
  const { loadBalancerService } = spec.proxyServer.entrypoint;
  const service = services.get(`${spec.proxyServer.namespace}/${loadBalancerService.name}`);
  const entrypoint = resolveEntrypoint(spec, service);
  if (entrypoint === undefined) return waiting("the load balancer has no address yet");
  if (serviceProxy !== undefined && serviceProxy.authority.current() === undefined)
    return waiting("the front ends' certificate authority is not there yet");
  const manifests = agentManifests({
    clusterName: cluster.metadata.name,
    namespace,
    spec,
    entrypoint,
    caPem: authority.trusted(),
    httpsProxyCaPem: httpsProxyCa(deploymentConfig),
    replicas: wholeNumberVariable(deploymentConfig, "replicas") ?? spec.proxyAgent.replicas,
    serviceDomain: variable(deploymentConfig, "serviceDomain") ?? "svc.cluster.local",
    isKubeApiProxied: options.isKubeApiProxied,
    serviceProxy: serviceProxy && serviceProxyInput(options, serviceProxy, spec, deploymentConfig),
  });
  return { kind: "manifests", manifests };
}

/** Throws a `TerminalError` that says which list of Services cannot be used. */
function serviceProxyInput(
  { isImpersonating }: ClusterProxyAgentOptions,
  { authority, exposed }: ServiceProxySources,
  { proxyAgent }: ManagedProxyConfigurationSpec,
  deploymentConfig: RenderInput["deploymentConfig"],
): ServiceProxyInput {
  const [listed] = exposed.list();
  const own = variable(deploymentConfig, "exposedServices");
  return {
    isImpersonating: booleanVariable(deploymentConfig, "enableImpersonation") ?? isImpersonating,
    userServerCaPem: authority.trusted(),
    exposed: readServices(
      own === undefined ? (listed?.data ?? {}) : { "variable exposedServices": own },
    ),
    additionalCaConfigMap: proxyAgent.additionalServiceCAConfigMap ?? "",
    additionalArgs: proxyAgent.additionalServiceProxyArgs,
  };
}

function readServices(data: Readonly<Record<string, string>>): readonly ExposedService[] {
  try {
    return parseExposedServices(data);
  } catch (error) {
    if (!(error instanceof ExposedServicesError)) throw error;
    throw new TerminalError(error.message, { cause: error });
  }
}

function waiting(message: string): Rendering {
  return { kind: "waiting", message };
}
