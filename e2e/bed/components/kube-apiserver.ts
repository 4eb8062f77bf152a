import { join } from "node:path";
import type { Program } from "../cluster-plan.ts";
import { type ClusterPlan, certificatePath, keyPath, pkiDirectory } from "../cluster-plan.ts";
import { ocmNames } from "../ocm/names.ts";
import type { Tools } from "../toolchain.ts";

/** What a user of the bed may change about an API server. */
export interface ApiServerOptions {
  /** `--service-account-max-token-expiration`, such as `1h`. */
  readonly serviceAccountMaxTokenExpiration?: string;
  /** Further flags, which win over the bed's own. */
  readonly flags?: readonly string[];
}

/** The API server of one cluster: aggregation, bootstrap tokens and RBAC as in a real one. */
export function kubeApiServer(
  plan: ClusterPlan,
  tools: Tools,
  options: ApiServerOptions = {},
): Program {
  const { addresses } = plan;
  const expiration = options.serviceAccountMaxTokenExpiration;
  return {
    name: "kube-apiserver",
    ...(plan.node === undefined ? {} : { files: { [auditPolicyPath(plan)]: auditPolicy } }),
    argv: [
      tools.path("kube-apiserver"),
      `--etcd-servers=http://127.0.0.1:${addresses.etcdClientPort}`,
      `--advertise-address=${addresses.apiServer}`,
      `--secure-port=${addresses.apiServerPort}`,
      `--service-cluster-ip-range=${addresses.services}`,
      `--tls-cert-file=${certificatePath(plan, "apiserver")}`,
      `--tls-private-key-file=${keyPath(plan, "apiserver")}`,
      `--client-ca-file=${certificatePath(plan, "ca")}`,
      "--allow-privileged=true",
      "--enable-bootstrap-token-auth=true",
      "--profiling=false",
      ...serviceAccountFlags(plan),
      ...aggregationFlags(plan),
      ...(plan.node === undefined ? processFlags : nodeFlags(plan)),
      ...(expiration === undefined ? [] : [`--service-account-max-token-expiration=${expiration}`]),
      ...(options.flags ?? []),
    ],
  };
}

/** Where a cluster with a node records what addons do there: one `audit.k8s.io/v1` Event a line. */
export function auditLogPath(plan: ClusterPlan): string {
  return join(plan.directory, "audit.log");
}

function auditPolicyPath(plan: ClusterPlan): string {
  return join(plan.directory, "audit-policy.json");
}

/** Only what the accounts of addons do, also as somebody else: all else would cost time for nothing. */
const auditPolicy = JSON.stringify({
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [
    { level: "Metadata", userGroups: [`system:serviceaccounts:${ocmNames.agentAddonNamespace}`] },
    { level: "None" },
  ],
});

function serviceAccountFlags(plan: ClusterPlan): readonly string[] {
  return [
    "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
    `--service-account-key-file=${pkiDirectory(plan)}/service-account.pub`,
    `--service-account-signing-key-file=${keyPath(plan, "service-account")}`,
  ];
}

function aggregationFlags(plan: ClusterPlan): readonly string[] {
  return [
    `--requestheader-client-ca-file=${certificatePath(plan, "front-proxy-ca")}`,
    "--requestheader-allowed-names=front-proxy-client",
    "--requestheader-username-headers=X-Remote-User",
    "--requestheader-group-headers=X-Remote-Group",
    "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    `--proxy-client-cert-file=${certificatePath(plan, "front-proxy")}`,
    `--proxy-client-key-file=${keyPath(plan, "front-proxy")}`,
  ];
}

/** A loopback address is no valid endpoint, so the `kubernetes` service gets none. */
const processFlags: readonly string[] = [
  "--bind-address=127.0.0.1",
  "--authorization-mode=RBAC",
  "--endpoint-reconciler-type=none",
];

function nodeFlags(plan: ClusterPlan): readonly string[] {
  return [
    "--bind-address=0.0.0.0",
    "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=NodeRestriction",
    "--service-node-port-range=30000-32767",
    `--kubelet-certificate-authority=${certificatePath(plan, "ca")}`,
    `--kubelet-client-certificate=${certificatePath(plan, "to-kubelet")}`,
    `--kubelet-client-key=${keyPath(plan, "to-kubelet")}`,
    "--kubelet-preferred-address-types=InternalIP",
    `--audit-policy-file=${auditPolicyPath(plan)}`,
    `--audit-log-path=${auditLogPath(plan)}`,
    "--audit-log-maxsize=20",
    "--audit-log-maxbackup=1",
  ];
}
