import * as z from "zod";
import { authoritySigner } from "./authority-signer.ts";
import { conditionList, int32, int64, objectShape } from "./custom-resource.ts";
import {
  alternativeName,
  annotationKey,
  hostName,
  imageName,
  namespaceName,
  secretName,
  serviceName,
} from "./field-formats.ts";
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
  /** The certificate by which agents know the user server is signed. */
  userServerClientSigned: "UserServerClientSecretSigned",
  /** Whoever is to make the certificate authorities does; while not, those of before go on. */
  signerReady: "SignerReady",
  /** The tunnel's certificate authorities are valid; tells when they end, or that one is replaced. */
  authoritiesValid: "AuthoritiesValid",
} as const;

/** Names that the tunnel's other Secrets have; a certificate cannot be kept in one of them. */
const takenSecretNames = [
  "agent-server-ca",
  "cluster-proxy-frontend-signer",
  "cluster-proxy-signer",
  "cluster-proxy-user-server-client",
  "cluster-proxy-user-serving-cert",
  "proxy-server-ca",
];

const secretNames = ["ProxyServer", "ProxyClient", "AgentServer"].map(
  (role) => `signing${role}SecretName`,
);

function secretNameRules(field: string, index: number) {
  const taken = {
    rule: `!(self.${field} in [${takenSecretNames.map((name) => `'${name}'`).join(", ")}])`,
    messageExpression: `self.${field} + ' is the name of another Secret of the tunnel'`,
    message: "is the name of another Secret of the tunnel",
    fieldPath: `.${field}`,
  };
  const doubled = secretNames.slice(0, index).map((other) => ({
    rule: `self.${field} != self.${other}`,
    messageExpression: `self.${field} + ' is also ${other}; each certificate needs a Secret of its own'`,
    message: `is also ${other}; each certificate needs a Secret of its own`,
    fieldPath: `.${field}`,
  }));
  return [taken].concat(doubled);
}

const dumpSecrets = z
  .object({
    signingProxyServerSecretName: secretName
      .default("proxy-server")
      .describe("Secret with the certificate that clients of the tunnel see."),
    signingProxyClientSecretName: secretName
      .default("proxy-client")
      .describe("Secret with the certificate that clients of the tunnel show."),
    signingAgentServerSecretName: secretName
      .default("agent-server")
      .describe("Secret with the certificate that agents see."),
  })
  .meta({ "x-kubernetes-validations": secretNames.flatMap(secretNameRules) });

const authentication = z
  .object({
    signer: authoritySigner
      .prefault({})
      .describe("The authorities behind the tunnel's certificates."),
    dump: z
      .object({ secrets: dumpSecrets.prefault({}).describe("Names of the Secrets.") })
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
      .object({ value: hostName.describe("The host name or IP address.") })
      .optional()
      .describe("Settings of type Hostname."),
    loadBalancerService: z
      .object({
        name: serviceName
          .default("proxy-agent-entrypoint")
          .describe("Name of the Service that is made."),
        annotations: z
          .array(
            z.object({
              key: annotationKey.describe("Annotation key."),
              value: z.string().default("").describe("Annotation value."),
            }),
          )
          .max(64)
          .default([])
          .meta({
            "x-kubernetes-validations": [
              {
                rule: "self.all(one, self.exists_one(other, other.key == one.key))",
                message: "each key may be there once",
              },
            ],
          })
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
    image: imageName.describe("Image of the tunnel server."),
    replicas: int32().min(0).default(3).describe("Tunnel servers on the hub."),
    inClusterServiceName: serviceName
      .default("proxy-entrypoint")
      .describe("Service through which clients on the hub reach the tunnel servers."),
    namespace: namespaceName
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
  .meta({
    "x-kubernetes-validations": [
      {
        rule: "!has(self.entrypoint) || !has(self.entrypoint.loadBalancerService) || self.entrypoint.loadBalancerService.name != self.inClusterServiceName",
        messageExpression:
          "self.inClusterServiceName + ' is also entrypoint.loadBalancerService.name; each Service needs a name of its own'",
        message:
          "is also entrypoint.loadBalancerService.name; each Service needs a name of its own",
        fieldPath: ".inClusterServiceName",
      },
    ],
  })
  .describe("The tunnel server on the hub.");

const proxyAgent = z
  .object({
    image: imageName.describe("Image of the agent."),
    replicas: int32().min(0).default(3).describe("Agents on each managed cluster."),
    additionalArgs: z.array(z.string()).default([]).describe("More arguments for the agent."),
    additionalServiceProxyArgs: z
      .array(z.string())
      .default([])
      .describe("More arguments for the service proxy."),
    imagePullSecrets: z
      .array(secretName)
      .default([])
      .describe("Pull secrets that the agent's pods name."),
    additionalServiceCAConfigMap: secretName
      .optional()
      .describe(
        "ConfigMap on the managed cluster whose key service-ca.crt is trusted by the service proxy.",
      ),
  })
  .describe("The agent on the managed clusters.");

const port = () => int32().min(1).max(65_535);
const portNames = ["proxyServer", "agentServer", "healthServer", "adminServer"];

const deploy = z
  .object({
    ports: z
      .object({
        proxyServer: port().default(8090).describe("For front ends. Their Service stays at 8090."),
        agentServer: port().default(8091).describe("For agents. Their Service stays at 8091."),
        healthServer: port().default(8092).describe("Health and metrics."),
        adminServer: port().default(8095).describe("Metrics again, on the loopback address."),
      })
      .meta({
        "x-kubernetes-validations": portNames.flatMap((field, index) =>
          portNames.slice(0, index).map((other) => ({
            rule: `self.${field} != self.${other}`,
            message: `is also ${other}; each port must be another`,
            fieldPath: `.${field}`,
          })),
        ),
      })
      .describe("Ports that the tunnel server's pods listen on."),
  })
  .describe("How the tunnel server is deployed.");

/** What is wanted of the tunnel, with all defaults filled in. */
export const managedProxyConfigurationSpec = z.object({
  authentication,
  proxyServer,
  proxyAgent,
  deploy: deploy.optional(),
  userServer: z
    .object({
      additionalSANs: z
        .array(alternativeName)
        .max(64)
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
