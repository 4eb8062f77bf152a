import {
  type ArgocdOutput,
  accountOutputKinds,
  accountOutputAnnotations as annotations,
  apiVersionOf,
  type ConfigMap,
  type KubeconfigOutput,
  kubeconfigSecretKey,
  accountOutputLabels as labels,
  type ManagedServiceAccount,
  managedServiceAccountLabels,
  managedServiceAccounts,
  type ObjectMeta,
  type OutputVia,
  ownerReferenceTo,
  type Secret,
} from "#api";
import { argocdSecretOf } from "./argocd-secret.ts";
import { gatewayPassOf } from "./gateway-pass.ts";
import { kubeconfigOf } from "./kubeconfig.ts";
import type { Reach } from "./reach.ts";
import { keyOfPlace, type OutputPolicy, type OutputSnapshot, type Place } from "./snapshot.ts";
import type { TokenContent } from "./token-content.ts";

/** One output that a spec asks for. */
export interface OutputRequest extends Place {
  readonly kind: "kubeconfig" | "argocd";
  readonly via: OutputVia;
}

/** What the account asks for, and where it is to be. */
export function requestsOf(account: ManagedServiceAccount | undefined): readonly OutputRequest[] {
  if (account === undefined) return [];
  const { kubeconfig, argocd } = account.spec.outputs ?? {};
  return [
    ...(kubeconfig === undefined ? [] : [kubeconfigRequest(account, kubeconfig)]),
    ...(argocd === undefined ? [] : [argocdRequest(account, argocd)]),
  ];
}

function kubeconfigRequest(
  { metadata: { name, namespace: own = "" } }: ManagedServiceAccount,
  { namespace = own, secretName, via }: KubeconfigOutput,
): OutputRequest {
  const usual = namespace === own ? `${name}-kubeconfig` : `${own}.${name}-kubeconfig`;
  return { kind: accountOutputKinds.kubeconfig, namespace, name: secretName ?? usual, via };
}

function argocdRequest(
  { metadata: { name, namespace: own = "" } }: ManagedServiceAccount,
  { namespace, secretName = `${own}.${name}-argocd`, via }: ArgocdOutput,
): OutputRequest {
  return { kind: accountOutputKinds.argocd, namespace, name: secretName, via };
}

/** Where the account's pass is; undefined while the gateway is closed for tokens of accounts. */
export function passPlaceOf(key: string, { passNamespace }: OutputPolicy): Place | undefined {
  if (passNamespace === "") return undefined;
  // No cluster has a dot in its name, so that no two accounts meet here.
  return {
    kind: accountOutputKinds.gatewayPass,
    namespace: passNamespace,
    name: key.replace("/", "."),
  };
}

/** True for an account whose credentials are copied beside the ClusterProfiles of its cluster. */
export function isForProfiles({ metadata }: ManagedServiceAccount): boolean {
  return metadata.labels?.[managedServiceAccountLabels.syncToClusterProfile] === "true";
}

/** The Secret that a request asks for. */
export function secretFor(
  account: ManagedServiceAccount,
  request: OutputRequest,
  reach: Reach,
  { text: token }: TokenContent,
): Secret {
  const { name, namespace: cluster = "", outputs } = { ...account.metadata, ...account.spec };
  const { contextNamespace: namespace } = outputs?.kubeconfig ?? {};
  const content =
    request.kind === "argocd" && outputs?.argocd !== undefined
      ? argocdSecretOf(cluster, outputs.argocd, reach, token)
      : {
          labels: {},
          data: {
            [kubeconfigSecretKey]: kubeconfigOf({
              cluster,
              account: name,
              reach,
              token,
              namespace,
            }),
          },
        };
  const common = metadataFor(account, request);
  return {
    metadata: {
      ...common,
      labels: { ...content.labels, ...common.labels },
      annotations: { ...common.annotations, [annotations.server]: reach.server },
    },
    type: "Opaque",
    data: Object.fromEntries(
      Object.entries(content.data).map(([key, value]) => [
        key,
        Buffer.from(value).toString("base64"),
      ]),
    ),
  };
}

/** The pass that lets the account's token through the gateway. */
export function passFor(
  account: ManagedServiceAccount,
  place: Place,
  token: TokenContent,
  { key, found, ways, now }: OutputSnapshot,
): ConfigMap {
  const before = found.get(keyOfPlace(place))?.data;
  const input = { cluster: ways.cluster, account: key, token, before, now };
  return { metadata: metadataFor(account, place), data: gatewayPassOf(input) };
}

function metadataFor(account: ManagedServiceAccount, { kind, namespace, name }: Place): ObjectMeta {
  const { metadata } = account;
  const owner = ownerReferenceTo(
    apiVersionOf(managedServiceAccounts),
    managedServiceAccounts.kind,
    account,
  );
  return {
    name,
    namespace,
    labels: { [labels.output]: kind, "app.kubernetes.io/managed-by": "spokeway" },
    annotations: { [annotations.outputOf]: `${metadata.namespace}/${metadata.name}` },
    // References do not reach across namespaces: there, the controller alone removes it.
    ...(namespace === metadata.namespace ? { ownerReferences: [owner] } : {}),
  };
}
