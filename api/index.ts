export {
  type AccountOutputKind,
  type AccountOutputReason,
  type AccountOutputs,
  type ArgocdOutput,
  accountOutputAnnotations,
  accountOutputKinds,
  accountOutputLabels,
  accountOutputReasons,
  argocdCluster,
  gatewayPassKeys,
  type KubeconfigOutput,
  kubeconfigSecretKey,
  type OutputVia,
} from "./account-outputs.ts";
export { type AuthoritySigner, authoritySigner } from "./authority-signer.ts";
export { type CertManagerCertificate, certManagerCertificates } from "./cert-manager.ts";
export * from "./cluster-gateway.ts";
export * from "./cluster-gateway-configuration.ts";
export * from "./cluster-gateway-layout.ts";
export * from "./cluster-profile.ts";
export {
  type Condition,
  type ConditionStatus,
  type ConditionUpdate,
  condition,
  conditionStatus,
  findCondition,
  isConditionTrue,
  timestamp,
  withCondition,
} from "./conditions.ts";
export * from "./core.ts";
export * from "./exposed-services.ts";
export { grantingRules } from "./granting-rules.ts";
export * from "./identity.ts";
export {
  faultsOfRule,
  faultsOfTarget,
  serviceAccountOf,
  systemPrefix,
} from "./identity-faults.ts";
export * from "./managed-proxy-configuration.ts";
export * from "./managed-service-account.ts";
export * from "./managed-service-account-set.ts";
export {
  type KubeObject,
  type ObjectMeta,
  type OwnerReference,
  objectMeta,
  ownerReferenceTo,
} from "./object-meta.ts";
export * from "./ocm/addon-deployment-config.ts";
export * from "./ocm/addon-version.ts";
export * from "./ocm/cluster-management-addon.ts";
export * from "./ocm/config-reference.ts";
export * from "./ocm/managed-cluster.ts";
export * from "./ocm/managed-cluster-addon.ts";
export * from "./ocm/managed-cluster-set.ts";
export * from "./ocm/manifest-work.ts";
export * from "./ocm/placement.ts";
export * from "./ocm/well-known.ts";
export {
  matchesAny,
  type Permission,
  type PermissionPolicy,
  type PermissionRule,
  type PermissionStatement,
  permission,
  permissionPolicy,
  policyForCluster,
} from "./permissions.ts";
export { apiVersionOf, type ResourceType } from "./resource.ts";
export type { Toleration } from "./scheduling.ts";
export * from "./service-proxy.ts";
export { failureStatus, type Status, statusObject } from "./status.ts";
export { readTokenClaims, type TokenClaims } from "./token-claims.ts";
export { parseTokenReviewStatus, type TokenReviewStatus } from "./token-review.ts";
