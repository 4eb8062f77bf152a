import {
  type ClusterGatewayConfigurationSpec,
  type ConfigMap,
  clusterGatewayGroup,
  clusterGatewayVersion,
  configMaps,
  faultsOfRule,
  type IdentityPolicy,
  type ObjectMeta,
  proxyConfigurationKind,
} from "#api";
import type { Desired } from "../../installation/action.ts";

/** The key of the ConfigMap, and the file that the gateway reads. */
export const identityFile = "config.json";

/** The CAs of the issuer of tokens, beside it. */
export const issuerCaFile = "oidc-ca.crt";

/** The audit policy, beside it. */
export const auditPolicyFile = "audit-policy.yaml";

/**
 * What the gateway reads about identities: the policy in upstream's document, with upstream's
 * rules, the CAs of the issuer of tokens, and the audit policy.
 */
export function identityDocument(
  metadata: ObjectMeta,
  { identity: { rules, ...identity }, oidc, audit }: ClusterGatewayConfigurationSpec,
): Desired {
  const document = {
    apiVersion: `${clusterGatewayGroup}/${clusterGatewayVersion}`,
    kind: proxyConfigurationKind,
    spec: { clientIdentityExchanger: { rules }, identity },
  };
  const text = `${JSON.stringify(document, undefined, 2)}\n`;
  const ca = oidc?.caBundle ?? "";
  const data = {
    [identityFile]: text,
    ...(ca === "" ? {} : { [issuerCaFile]: ca }),
    ...(audit.policy === "" ? {} : { [auditPolicyFile]: audit.policy }),
  };
  const object: ConfigMap = { metadata, data };
  return { type: configMaps, object };
}

/** What is wrong with the rules of a policy, by the rule's name; empty when nothing is. */
export function ruleFaults({ rules }: IdentityPolicy): readonly string[] {
  return rules.flatMap((rule) =>
    faultsOfRule(rule).map((fault) => `rule "${rule.name}": ${fault}`),
  );
}
