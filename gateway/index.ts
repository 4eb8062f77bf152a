export { type AuditLog, openAuditLog } from "./audit/audit-log.ts";
export { AuditPolicyError } from "./audit/audit-policy.ts";
export { type OidcOptions, signingAlgorithms } from "./authentication/oidc/oidc.ts";
export { createTunnelEndpoints } from "./clusters/tunnel-endpoints.ts";
export type { ExecPolicy } from "./exec/exec-credentials.ts";
export {
  createGateway,
  type Gateway,
  type GatewayOptions,
  type ServingCertificate,
} from "./gateway.ts";
export type { ClusterKeeping } from "./hub-caches.ts";
export { IdentityConfigurationError } from "./identity/configuration.ts";
export { type IdentitySource, loadIdentitySettings } from "./identity/settings-file.ts";
export type { TunnelDial } from "./proxying/cluster-transports.ts";
