import { type ManagedProxyConfigurationSpec, userServerClientName } from "#api";
import type { WantedCertificate } from "../../installation/certificates.ts";
import { proxyNames } from "../names.ts";
import type { AuthorityName } from "./authorities.ts";

/** A certificate of the tunnel, and the condition that tells of it. */
export interface TunnelCertificate extends WantedCertificate {
  readonly role: "proxyServer" | "agentServer" | "proxyClient" | "userServer" | "userServerClient";
  /** Who signs it. */
  readonly authority: AuthorityName;
}

/** The certificates that a configuration asks for. `address` is the load balancer's. */
export function wantedCertificates(
  spec: ManagedProxyConfigurationSpec,
  address: string | undefined,
): readonly TunnelCertificate[] {
  const { namespace } = spec.proxyServer;
  const {
    signingProxyServerSecretName,
    signingAgentServerSecretName,
    signingProxyClientSecretName,
  } = spec.authentication.dump.secrets;
  const names = tunnelNames(spec, address);
  const server = { namespace, names, usages: ["server"], authority: "frontends" } as const;
  return [
    {
      ...server,
      role: "proxyServer",
      secretName: signingProxyServerSecretName,
      commonName: "proxy-server",
    },
    {
      ...server,
      role: "agentServer",
      authority: "agents",
      secretName: signingAgentServerSecretName,
      commonName: "agent-server",
    },
    {
      ...server,
      role: "proxyClient",
      secretName: signingProxyClientSecretName,
      commonName: "proxy-client",
      usages: ["client"],
    },
    ...userServerCertificates(spec),
  ];
}

function tunnelNames(
  { authentication, proxyServer }: ManagedProxyConfigurationSpec,
  address: string | undefined,
): readonly string[] {
  const { inClusterServiceName: service, namespace, entrypoint } = proxyServer;
  const hostname = entrypoint.type === "Hostname" ? entrypoint.hostname?.value : undefined;
  const names = [
    ...authentication.signer.selfSigned.additionalSANs,
    "127.0.0.1",
    "localhost",
    `${service}.${namespace}`,
    `${service}.${namespace}.svc`,
    ...(hostname === undefined ? [] : [hostname]),
    ...(address === undefined ? [] : [address]),
  ];
  return [...new Set(names)];
}

function userServerCertificates({
  userServer,
  proxyServer: { namespace },
}: ManagedProxyConfigurationSpec): readonly TunnelCertificate[] {
  if (userServer === undefined) return [];
  const service = "cluster-proxy-addon-user";
  const own = ["", `.${namespace}`, `.${namespace}.svc`, `.${namespace}.svc.cluster.local`];
  const names = [
    "127.0.0.1",
    "localhost",
    ...own.map((suffix) => service + suffix),
    ...userServer.additionalSANs,
  ];
  return [
    {
      role: "userServer",
      authority: "frontends",
      namespace,
      secretName: proxyNames.userServerSecret,
      commonName: service,
      names: [...new Set(names)],
      usages: ["server"],
    },
    {
      role: "userServerClient",
      authority: "frontends",
      namespace,
      secretName: proxyNames.userServerClientSecret,
      commonName: userServerClientName,
      names: [],
      usages: ["client"],
    },
  ];
}
