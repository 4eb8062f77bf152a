import * as z from "zod";
import { conditionList, int32, int64, objectShape } from "./custom-resource.ts";
import type { ResourceType } from "./resource.ts";
import { toleration } from "./scheduling.ts";

/** How the cluster-proxy addon is run: the tunnel server on the hub, the agents, their certificates. */
export const managedProxyConfigurations = {
  group: "proxy.open-cluster-management.io",
  version: "v1alpha1",
  plural: "managedproxyconfigurations",
  kind: "ManagedProxyConfiguration",
  namespaced: false,
  parse: (input) => managedProxyConfiguration.parse(input),
} as const satisfies ResourceType<ManagedProxyConfiguration>;

/** The object that the chart makes and that the addon uses unless told otherwise. */
export const defaultManagedProxyConfigurationName = "cluster-proxy";

/** Condition types of a ManagedProxyConfiguration. */
export const proxyConditionTypes = {
  /** The tunnel server's Deployment is up to date and enough of its pods are ready. */
  deployed: "ProxyServerDeployed",
  /** The certificate that clients of the tunnel see is signed. */
  proxyServerSigned: "ProxyServerSecretSigned",
  /** The certificate that agents see is signed. */
  agentServerSigned: "AgentServerSecretSigned",
  /** The certificate with which clients reach the tunnel server is signed. */
  proxyClientSigned: "ProxyClientSecretSigned",
  /** The certificate of the user server is signed. */
  userServerSigned: "UserServerSecretSigned",
  /** The tunnel's certificate authorities are valid; tells when they end, or that one is replaced. */
  authoritiesValid: "AuthoritiesValid",
} as const;

const authentication = z
  .object({
    signer: z
      .object({
        type: z
          .enum(["SelfSigned", "Provided", "CertManager"])
          .default("SelfSigned")
          .describe("Who signs. Only SelfSigned does anything; the others are accepted as names."),
        selfSigned: z
          .object({
            additionalSANs: z
              .array(z.string())
              .default([])
              .describe("More host names or IP addresses for the tunnel's certificates."),
          })
          .prefault({})
          .describe("Settings of the SelfSigned signer."),
      })
      .prefault({})
      .describe("The authority behind the tunnel's certificates."),
    dump: z
      .object({
        secrets: z
          .object({
            signingProxyServerSecretName: z
              .string()
              .default("proxy-server")
              .describe("Secret with the certificate that clients of the tunnel see."),
            signingProxyClientSecretName: z
              .string()
              .default("proxy-client")
              .describe("Secret with the certificate that clients of the tunnel show."),
            signingAgentServerSecretName: z
              .string()
              .default("agent-server")
              .describe("Secret with the certificate that agents see."),
          })
          .prefault({})
          .describe("Names of the Secrets."),
      })
      .prefault({})
      .describe("Where the signed certificates are kept."),
  })
  .describe("Certificates of the tunnel.");

const entrypoint = z
  .object({
    type: z
      .enum(["Hostname", "LoadBalancerService", "PortForward"])
      .describe(
        "How agents find the tunnel server: at a host name, at the address of a LoadBalancer Service, or by a port-forward through the hub's API server.",
      ),
    hostname: z
      .object({ value: z.string().min(1).describe("The host name or IP address.") })
      .optional()
      .describe("Settings of type Hostname."),
    loadBalancerService: z
      .object({
        name: z
          .string()
          .default("proxy-agent-entrypoint")
          .describe("Name of the Service that is made."),
        annotations: z
          .array(
            z.object({
              key: z.string().describe("Annotation key."),
              value: z.string().default("").describe("Annotation value."),
            }),
          )
          .default([])
          .describe("Annotations of the Service, as the cloud asks for them."),
      })
      .prefault({})
      .describe("Settings of type LoadBalancerService."),
    port: int32()
      .min(1)
      .max(65_535)
      .default(8091)
      .describe("Port that agents dial at that address."),
  })
  .meta({
    "x-kubernetes-validations": [
      {
        rule: "self.type != 'Hostname' || has(self.hostname)",
        message: "hostname.value is needed when type is Hostname",
      },
    ],
  });

const proxyServer = z
  .object({
    image: z.string().describe("Image of the tunnel server."),
    replicas: int32().min(0).default(3).describe("Tunnel servers on the hub."),
    inClusterServiceName: z
      .string()
      .default("proxy-entrypoint")
      .describe("Service through which clients on the hub reach the tunnel servers."),
    namespace: z
      .string()
      .default("open-cluster-management-cluster-proxy")
      .describe("Namespace of the tunnel servers, their Service and Secrets."),
    entrypoint: entrypoint
      .prefault({ type: "PortForward" })
      .describe("How agents reach the tunnel server. PortForward when absent."),
    additionalArgs: z
      .array(z.string())
      .default([])
      .describe("More arguments for the tunnel server."),
    nodePlacement: z
      .object({
        nodeSelector: z
          .record(z.string(), z.string())
          .default({})
          .describe("Labels that a node must have."),
        tolerations: z.array(toleration).default([]).describe("Taints that are accepted."),
      })
      .prefault({})
      .describe("Nodes for the tunnel servers."),
  })
  .describe("The tunnel server on the hub.");

const proxyAgent = z
  .object({
    image: z.string().describe("Image of the agent."),
    replicas: int32().min(0).default(3).describe("Agents on each managed cluster."),
    additionalArgs: z.array(z.string()).default([]).describe("More arguments for the agent."),
    additionalServiceProxyArgs: z
      .array(z.string())
      .default([])
      .describe("More arguments for the service proxy."),
    imagePullSecrets: z
      .array(z.string())
      .default([])
      .describe("Pull secrets that the agent's pods name."),
    additionalServiceCAConfigMap: z
      .string()
      .optional()
      .describe(
        "ConfigMap on the managed cluster whose key service-ca.crt is trusted by the service proxy.",
      ),
  })
  .describe("The agent on the managed clusters.");

const deploy = z
  .object({
    ports: z
      .object({
        proxyServer: int32().default(8090).describe("Kept for compatibility."),
        agentServer: int32().default(8091).describe("Kept for compatibility."),
        healthServer: int32().default(8092).describe("Kept for compatibility."),
        adminServer: int32().default(8095).describe("Kept for compatibility."),
      })
      .describe("Ports of the tunnel server. Kept for compatibility, without effect."),
  })
  .describe("Kept for compatibility, without effect.");

/** What is wanted of the tunnel, with all defaults filled in. */
export const managedProxyConfigurationSpec = z.object({
  authentication,
  proxyServer,
  proxyAgent,
  deploy: deploy.optional(),
  userServer: z
    .object({
      additionalSANs: z
        .array(z.string())
        .default([])
        .describe("More host names or IP addresses for the user server's certificate."),
    })
    .optional()
    .describe("The HTTPS front door. Its certificate is made when this is present."),
});
export type ManagedProxyConfigurationSpec = z.infer<typeof managedProxyConfigurationSpec>;

export const managedProxyConfigurationStatus = z.object({
  lastObservedGeneration: int64().optional().describe("Generation that was last acted on."),
  conditions: conditionList.default([]).describe("How far it is."),
});

/** A ManagedProxyConfiguration as the API server returns it; the spec has its defaults. */
export const managedProxyConfiguration = z.looseObject({
  ...objectShape,
  spec: managedProxyConfigurationSpec,
  status: managedProxyConfigurationStatus.prefault({}),
});
export type ManagedProxyConfiguration = z.infer<typeof managedProxyConfiguration>;
