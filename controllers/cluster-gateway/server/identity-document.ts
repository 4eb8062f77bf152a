import {
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

/** The identity policy as the gateway reads it: upstream's document, with upstream's rules. */
export function identityDocument(
  metadata: ObjectMeta,
  { rules, ...identity }: IdentityPolicy,
): Desired {
  const document = {
    apiVersion: `${clusterGatewayGroup}/${clusterGatewayVersion}`,
    kind: proxyConfigurationKind,
    spec: { clientIdentityExchanger: { rules }, identity },
  };
  const text = `${JSON.stringify(document, undefined, 2)}\n`;
  const object: ConfigMap = { metadata, data: { [identityFile]: text } };
  return { type: configMaps, object };
}

/** What is wrong with the rules of a policy, by the rule's name; empty when nothing is. */
export function ruleFaults({ rules }: IdentityPolicy): readonly string[] {
  return rules.flatMap((rule) =>
    faultsOfRule(rule).map((fault) => `rule "${rule.name}": ${fault}`),
  );
}
