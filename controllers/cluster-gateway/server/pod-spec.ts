import { type ClusterGatewayConfigurationSpec, clusterGatewayLayouts, type OidcIssuer } from "#api";
import { containerSecurityContext, podSecurityContext, probes } from "../../pod-security.ts";
import { gatewayLabels, gatewayNames, gatewayPort } from "../names.ts";
import { auditPolicyFile, identityFile, issuerCaFile } from "./identity-document.ts";
import { tunnelService } from "./tunnel-service.ts";

/**
 * How the gateway's memory is collected. Buffers that pass through die young: a small young
 * generation frees them before their memory makes V8 mark the whole heap, and what small requests
 * leave behind may not grow to several times what is in use (docs/performance.md).
 */
export const gatewayNodeFlags = ["--max-semi-space-size=1", "--heap-growing-percent=70"] as const;

/** What a gateway takes to end beside the drain: it is still found for 5 seconds, and has some left. */
const leavingSeconds = 15;

/** The gateway's pods. */
export function gatewayPodSpec(spec: ClusterGatewayConfigurationSpec, imagePullPolicy: string) {
  const { servingSecret, tunnelCaSecret, tunnelClientSecret, serviceAccount, identityConfigMap } =
    gatewayNames;
  return {
    serviceAccountName: serviceAccount,
    terminationGracePeriodSeconds: spec.drainSeconds + leavingSeconds,
    securityContext: podSecurityContext,
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "kubernetes.io/hostname",
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: gatewayLabels },
      },
    ],
    containers: [container(spec, imagePullPolicy)],
    volumes: [
      { name: "server", secret: { secretName: servingSecret } },
      { name: "identity", configMap: { name: identityConfigMap } },
      ...(hasTunnel(spec)
        ? [
            { name: "proxy-ca", secret: { secretName: tunnelCaSecret } },
            { name: "proxy-client", secret: { secretName: tunnelClientSecret } },
          ]
        : []),
    ],
  };
}

function hasTunnel({ egress }: ClusterGatewayConfigurationSpec): boolean {
  return egress.type === "ClusterProxy" && egress.clusterProxy !== undefined;
}

function container(spec: ClusterGatewayConfigurationSpec, imagePullPolicy: string) {
  return {
    name: "apiserver",
    image: spec.image,
    imagePullPolicy,
    args: [...gatewayNodeFlags, "/app/gateway.mjs", ...gatewayFlags(spec)],
    env: [
      { name: "POD_NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
      { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    ],
    ports: [{ name: "https", containerPort: gatewayPort }],
    ...secureProbes(),
    securityContext: containerSecurityContext,
    volumeMounts: [
      { name: "server", mountPath: "/etc/server", readOnly: true },
      { name: "identity", mountPath: "/etc/identity", readOnly: true },
      ...(hasTunnel(spec)
        ? [
            { name: "proxy-ca", mountPath: "/etc/ca", readOnly: true },
            { name: "proxy-client", mountPath: "/etc/tls", readOnly: true },
          ]
        : []),
    ],
  };
}

function secureProbes() {
  const { livenessProbe, readinessProbe } = probes(gatewayPort);
  const secure = <Probe extends { readonly httpGet: object }>(probe: Probe) => ({
    ...probe,
    httpGet: { ...probe.httpGet, scheme: "HTTPS" },
  });
  return { livenessProbe: secure(livenessProbe), readinessProbe: secure(readinessProbe) };
}

/** Flags about the objects of the API; what is not wanted, or not served so, is not said. */
function objectFlags({
  apiGroup,
  secretManagement: { managedServiceAccount: account },
  clusterGateways: { writable, showCredentials },
  dynamicCredentials: { allowedCommands, allowedVariables },
}: ClusterGatewayConfigurationSpec): readonly string[] {
  if (clusterGatewayLayouts[apiGroup].keptIn === "addons") {
    return [`--api-group=${apiGroup}`, `--managed-serviceaccount-name=${account.name}`];
  }
  const list = (flag: string, values: readonly string[]) =>
    values.length === 0 ? [] : [`--${flag}=${values.join(",")}`];
  return [
    ...(writable ? ["--writable-clustergateways=true"] : []),
    ...(showCredentials ? ["--show-credentials=true"] : []),
    ...list("exec-allowed-commands", allowedCommands),
    ...list("exec-allowed-variables", allowedVariables),
  ];
}

function issuerFlags(issuer: OidcIssuer | undefined): readonly string[] {
  if (issuer === undefined) return [];
  const { issuerURL, clientID, signingAlgs, caBundle } = issuer;
  const optional = {
    "username-prefix": issuer.usernamePrefix,
    "groups-claim": issuer.groupsClaim,
    "groups-prefix": issuer.groupsPrefix,
    "ca-file": caBundle === "" ? "" : `/etc/identity/${issuerCaFile}`,
  };
  return [
    `--oidc-issuer-url=${issuerURL}`,
    `--oidc-client-id=${clientID}`,
    `--oidc-username-claim=${issuer.usernameClaim}`,
    `--oidc-signing-algs=${signingAlgs.join(",")}`,
    ...Object.entries(optional).flatMap(([name, value]) =>
      value === "" ? [] : [`--oidc-${name}=${value}`],
    ),
  ];
}

function auditFlags({ log, policy }: ClusterGatewayConfigurationSpec["audit"]): readonly string[] {
  if (log === "None") return [];
  const file = policy === "" ? [] : [`--audit-policy-file=/etc/identity/${auditPolicyFile}`];
  return ["--audit-log-path=-", ...file];
}

function tracingFlags({
  endpoint,
  samplingRatePerMillion,
}: ClusterGatewayConfigurationSpec["tracing"]): readonly string[] {
  if (endpoint === "") return [];
  return [
    `--tracing-endpoint=${endpoint}`,
    `--tracing-sampling-rate-per-million=${samplingRatePerMillion}`,
  ];
}

function gatewayFlags(spec: ClusterGatewayConfigurationSpec): readonly string[] {
  const { clusterProxy } = spec.egress;
  return [
    `--secure-port=${gatewayPort}`,
    `--secret-namespace=${spec.secretNamespace}`,
    "--ocm-integration=true",
    "--tls-cert-file=/etc/server/tls.crt",
    "--tls-private-key-file=/etc/server/tls.key",
    `--cluster-gateway-proxy-config=/etc/identity/${identityFile}`,
    `--graceful-shutdown-timeout=${spec.drainSeconds}s`,
    ...(spec.workers > 0 ? [`--workers=${spec.workers}`] : []),
    ...(spec.authorizePaths ? ["--authorize-proxy-subpath=true"] : []),
    ...issuerFlags(spec.oidc),
    ...auditFlags(spec.audit),
    ...tracingFlags(spec.tracing),
    "--feature-gates=HealthinessCheck=true,SecretCache=true",
    ...objectFlags(spec),
    ...(hasTunnel(spec) && clusterProxy !== undefined
      ? [
          `--proxy-host=${clusterProxy.proxyServerHost}`,
          `--proxy-port=${clusterProxy.proxyServerPort}`,
          ...serviceFlag(tunnelService(clusterProxy.proxyServerHost)),
          "--proxy-ca-cert=/etc/ca/ca.crt",
          "--proxy-cert=/etc/tls/tls.crt",
          "--proxy-key=/etc/tls/tls.key",
        ]
      : []),
  ];
}

function serviceFlag(service: string | undefined): readonly string[] {
  return service === undefined ? [] : [`--proxy-service=${service}`];
}
