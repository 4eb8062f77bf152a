import {
  type KubeObject,
  type ManagedProxyConfiguration,
  podDisruptionBudgets,
  type ResourceType,
  roleBindings,
  roles,
  services,
} from "#api";
import { ignoreNotFound, type KubeClient, labelSelector } from "#kube";
import type { Action, Desired } from "../../installation/action.ts";
import { proxyNames, serverLabels } from "../names.ts";

/** Reads what some configurations ask for and others do not. */
export async function gatherConditional(
  client: KubeClient,
  { metadata, spec }: ManagedProxyConfiguration,
  signal: AbortSignal,
): Promise<readonly Desired[]> {
  const { namespace } = spec.proxyServer;
  const read = async (type: ResourceType, name: string): Promise<readonly Desired[]> => {
    const object = await ignoreNotFound(client.get(type, { namespace, name }, signal));
    return object === undefined ? [] : [{ type, object }];
  };
  const selector = labelSelector(serverLabels);
  const [found, ...single] = await Promise.all([
    client.list<KubeObject>(services, { namespace, labelSelector: selector }, signal),
    read(roleBindings, proxyNames.portForwardRole),
    read(roles, proxyNames.portForwardRole),
    read(podDisruptionBudgets, metadata.name),
  ]);
  return [...single.flat(), ...found.items.map((object) => ({ type: services, object }))];
}

/** Removes what was made for an earlier state of the configuration and is not wanted any more. */
export function removals(
  { metadata: { uid } }: ManagedProxyConfiguration,
  found: readonly Desired[],
  wanted: readonly Desired[],
): readonly Action[] {
  const isWanted = ({ type, object: { metadata } }: Desired): boolean =>
    wanted.some((one) => one.type === type && one.object.metadata.name === metadata.name);
  const isOurs = ({ object: { metadata } }: Desired): boolean =>
    metadata.ownerReferences?.some((owner) => owner.uid === uid) ?? false;
  return found
    .filter((one) => isOurs(one) && !isWanted(one))
    .map(({ type, object }) => ({ kind: "discard", type, object }));
}
