import {
  type AddonVersion,
  addonGroup,
  apiVersionOf,
  clusterGatewayConfigurations,
  clusterGatewayLayouts,
  clusterSecretLabels,
  type KubeObject,
  ownerReferenceTo,
  type Secret,
  tokenSecretKeys,
} from "#api";
import { isContained } from "../../canonical-json.ts";
import { managedByUs, tokenValidity } from "../names.ts";
import type { Snapshot } from "./snapshot.ts";

export type Action =
  | { readonly kind: "createAccount"; readonly object: KubeObject }
  | { readonly kind: "applyCredential"; readonly secret: Secret }
  | { readonly kind: "deleteCredential"; readonly secret: Secret }
  /** A Secret that an administrator made stands where ours would be; theirs counts. */
  | { readonly kind: "keepForeign" };

/** Decides, and does nothing. */
export function plan(snapshot: Snapshot, version: AddonVersion): readonly Action[] {
  const { addon, spec, credential } = snapshot;
  const isOurs = credential !== undefined && isMadeByAddon(credential);
  if (addon === undefined || spec.secretManagement.type === "Manual") {
    return isOurs ? [{ kind: "deleteCredential", secret: credential }] : [];
  }
  const accounts: readonly Action[] =
    snapshot.account === undefined
      ? [{ kind: "createAccount", object: account(snapshot, addon, version) }]
      : [];
  return [...accounts, ...planCopy(snapshot, isOurs)];
}

/** The token, where the gateway reads it. */
function planCopy(snapshot: Snapshot, isOurs: boolean): readonly Action[] {
  const { spec, credential } = snapshot;
  if (clusterGatewayLayouts[spec.apiGroup].keptIn === "addons") {
    // The gateway reads the account's own Secret; a copy would be of no use to anybody but thieves.
    return isOurs && credential !== undefined
      ? [{ kind: "deleteCredential", secret: credential }]
      : [];
  }
  if (credential !== undefined && !isOurs) return [{ kind: "keepForeign" }];
  const wanted = wantedCredential(snapshot);
  return wanted === undefined || isContained(wanted, credential)
    ? []
    : [{ kind: "applyCredential", secret: wanted }];
}

/** True for a Secret of ours, or of the addon that we replace. */
export function isMadeByAddon({ metadata }: Secret): boolean {
  const owners = metadata.ownerReferences ?? [];
  return (
    isContained(managedByUs, metadata.labels) ||
    owners.some(({ kind, name }) => kind === "ClusterManagementAddOn" && name === "cluster-gateway")
  );
}

function account(
  { cluster, spec }: Snapshot,
  addon: KubeObject,
  version: AddonVersion,
): KubeObject {
  const owner = ownerReferenceTo(`${addonGroup}/${version}`, "ManagedClusterAddOn", addon);
  const object = {
    metadata: {
      namespace: cluster,
      name: spec.secretManagement.managedServiceAccount.name,
      ownerReferences: [owner],
    },
    spec: { rotation: { enabled: true, validity: tokenValidity } },
  };
  return object;
}

/** Undefined while there is no token: the old one, if any, is better than none. */
function wantedCredential({ cluster, spec, token, configuration }: Snapshot): Secret | undefined {
  const ca = token?.data?.[tokenSecretKeys.ca] ?? "";
  const bearer = token?.data?.[tokenSecretKeys.token] ?? "";
  if (bearer === "" || ca === "") return undefined;
  const { kind } = clusterGatewayConfigurations;
  const apiVersion = apiVersionOf(clusterGatewayConfigurations);
  return {
    metadata: {
      namespace: spec.secretNamespace,
      name: cluster,
      labels: {
        ...managedByUs,
        [clusterSecretLabels.credentialType]: "ServiceAccountToken",
        [clusterSecretLabels.endpointType]:
          spec.egress.type === "ClusterProxy" ? "ClusterProxy" : "Const",
      },
      ownerReferences: [ownerReferenceTo(apiVersion, kind, configuration)],
    },
    type: "Opaque",
    data: { "ca.crt": ca, token: bearer },
  };
}
