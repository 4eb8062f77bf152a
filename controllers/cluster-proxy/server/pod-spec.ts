import type { ManagedProxyConfigurationSpec } from "#api";
import { containerSecurityContext, podSecurityContext, probes } from "../../pod-security.ts";
import { proxyNames, serverLabels, serverPorts, sharedIdentity } from "../names.ts";
import { tunnelNodeFlags } from "../node-flags.ts";
import type { DesiredOptions } from "./desired.ts";

/** The tunnel server's pods. */
export function serverPodSpec(spec: ManagedProxyConfigurationSpec, options: DesiredOptions) {
  const { signingProxyServerSecretName, signingAgentServerSecretName } =
    spec.authentication.dump.secrets;
  const { nodeSelector, tolerations } = spec.proxyServer.nodePlacement;
  return {
    serviceAccountName: proxyNames.serviceAccount,
    automountServiceAccountToken: false,
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
  { proxyServer }: ManagedProxyConfigurationSpec,
  { imagePullPolicy, isSharedIdentityAccepted }: DesiredOptions,
) {
  return {
    name: "proxy-server",
    image: proxyServer.image,
    imagePullPolicy,
    args: [
      ...tunnelNodeFlags,
      "/app/tunnel-server.mjs",
      `--server-count=${proxyServer.replicas}`,
      "--proxy-strategies=destHost",
      "--server-ca-cert=/etc/server-ca-pki/ca.crt",
      "--server-cert=/etc/server-pki/tls.crt",
      "--server-key=/etc/server-pki/tls.key",
      "--cluster-ca-cert=/etc/agent-ca-pki/ca.crt",
      "--cluster-cert=/etc/agent-pki/tls.crt",
      "--cluster-key=/etc/agent-pki/tls.key",
      "--agent-identity=certificate",
      ...(isSharedIdentityAccepted ? [`--shared-agent-name=${sharedIdentity.tunnelUser}`] : []),
      ...proxyServer.additionalArgs,
    ],
    ports: [
      { name: "proxy-server", containerPort: serverPorts.frontend },
      { name: "agent-server", containerPort: serverPorts.agent },
      { name: "health", containerPort: serverPorts.health },
    ],
    ...probes(serverPorts.health, "/healthz"),
    securityContext: containerSecurityContext,
    volumeMounts: [
      { name: "proxy-server-ca-certs", mountPath: "/etc/server-ca-pki", readOnly: true },
      { name: "agent-server-ca-certs", mountPath: "/etc/agent-ca-pki", readOnly: true },
      { name: "proxy-server-certs", mountPath: "/etc/server-pki", readOnly: true },
      { name: "proxy-agent-certs", mountPath: "/etc/agent-pki", readOnly: true },
    ],
  };
}
