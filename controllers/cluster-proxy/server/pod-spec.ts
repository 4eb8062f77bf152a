import type { ManagedProxyConfigurationSpec } from "#api";
import {
  containerSecurityContext,
  podIdentity,
  podSecurityContext,
  probes,
} from "../../pod-security.ts";
import { podPorts, proxyNames, serverLabels, serverPorts, sharedIdentity } from "../names.ts";
import { tunnelNodeFlags } from "../node-flags.ts";
import type { DesiredOptions } from "./desired.ts";

/** How long connections may go on when a server ends. */
const leavingSeconds = 20;

/** Only what differs: the command line of a server with the usual ports is upstream's. */
function portFlags(ports: ReturnType<typeof podPorts>): readonly string[] {
  const flags = { frontend: "server", agent: "agent", health: "health", admin: "admin" } as const;
  return Object.entries(flags).flatMap(([name, flag]) => {
    const port = ports[name as keyof typeof flags];
    return port === serverPorts[name as keyof typeof flags] ? [] : [`--${flag}-port=${port}`];
  });
}

/**
 * How many servers there are is not said: a change would replace all of them. Only agents of
 * upstream's have to know it.
 */
function peerFlags(
  { namespace, replicas }: ManagedProxyConfigurationSpec["proxyServer"],
  hasUpstreamAgents: boolean,
): readonly string[] {
  const label = Object.entries(serverLabels).map(([name, value]) => `${name}=${value}`);
  return [
    ...(hasUpstreamAgents ? [`--server-count=${replicas}`] : []),
    "--enable-lease-controller",
    `--lease-namespace=${namespace}`,
    `--lease-label=${label.join(",")}`,
  ];
}

/** The tunnel server's pods. */
export function serverPodSpec(spec: ManagedProxyConfigurationSpec, options: DesiredOptions) {
  const { signingProxyServerSecretName, signingAgentServerSecretName } =
    spec.authentication.dump.secrets;
  const { nodeSelector, tolerations } = spec.proxyServer.nodePlacement;
  return {
    serviceAccountName: proxyNames.serviceAccount,
    terminationGracePeriodSeconds: leavingSeconds + 10,
    securityContext: podSecurityContext,
    nodeSelector,
    tolerations,
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "kubernetes.io/hostname",
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: serverLabels },
      },
    ],
    containers: [container(spec, options)],
    volumes: [
      { name: "proxy-server-ca-certs", secret: { secretName: proxyNames.frontendCaSecret } },
      { name: "agent-server-ca-certs", secret: { secretName: proxyNames.agentServerCaSecret } },
      { name: "proxy-server-certs", secret: { secretName: signingProxyServerSecretName } },
      { name: "proxy-agent-certs", secret: { secretName: signingAgentServerSecretName } },
    ],
  };
}

function container(
  spec: ManagedProxyConfigurationSpec,
  { imagePullPolicy, isSharedIdentityAccepted }: DesiredOptions,
) {
  const { proxyServer } = spec;
  const ports = podPorts(spec);
  return {
    name: "proxy-server",
    image: proxyServer.image,
    imagePullPolicy,
    args: [
      ...tunnelNodeFlags,
      "/app/tunnel-server.mjs",
      "--proxy-strategies=destHost",
      "--server-ca-cert=/etc/server-ca-pki/ca.crt",
      "--server-cert=/etc/server-pki/tls.crt",
      "--server-key=/etc/server-pki/tls.key",
      "--cluster-ca-cert=/etc/agent-ca-pki/ca.crt",
      "--cluster-cert=/etc/agent-pki/tls.crt",
      "--cluster-key=/etc/agent-pki/tls.key",
      ...portFlags(ports),
      ...peerFlags(proxyServer, isSharedIdentityAccepted),
      `--graceful-shutdown-timeout=${leavingSeconds}s`,
      "--agent-identity=certificate",
      ...(isSharedIdentityAccepted ? [`--shared-agent-name=${sharedIdentity.tunnelUser}`] : []),
      ...proxyServer.additionalArgs,
    ],
    env: [
      ...podIdentity,
      // Agents that go through the hub's API server know pods by these names.
      { name: "PROXY_SERVER_ID", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    ],
    ports: [
      { name: "proxy-server", containerPort: ports.frontend },
      { name: "agent-server", containerPort: ports.agent },
      { name: "health", containerPort: ports.health },
    ],
    ...probes(ports.health, "/healthz"),
    securityContext: containerSecurityContext,
    volumeMounts: [
      { name: "proxy-server-ca-certs", mountPath: "/etc/server-ca-pki", readOnly: true },
      { name: "agent-server-ca-certs", mountPath: "/etc/agent-ca-pki", readOnly: true },
      { name: "proxy-server-certs", mountPath: "/etc/server-pki", readOnly: true },
      { name: "proxy-agent-certs", mountPath: "/etc/agent-pki", readOnly: true },
    ],
  };
}
