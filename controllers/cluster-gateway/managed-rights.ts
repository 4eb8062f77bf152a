import type { Manifest } from "#api";
import { gatewayNames } from "./names.ts";

const rbacGroup = "rbac.authorization.k8s.io";

/**
 * What the gateway's account may do on every managed cluster by itself: ask whether it is well.
 * All other rights are for administrators to give.
 */
export function managedRights(account: {
  readonly namespace: string;
  readonly name: string;
}): readonly Manifest[] {
  const metadata = { name: gatewayNames.healthRole };
  return [
    {
      apiVersion: `${rbacGroup}/v1`,
      kind: "ClusterRole",
      metadata,
      rules: [
        {
          nonResourceURLs: ["/healthz", "/healthz/*", "/readyz", "/livez", "/version"],
          verbs: ["get"],
        },
      ],
    },
    {
      apiVersion: `${rbacGroup}/v1`,
      kind: "ClusterRoleBinding",
      metadata,
      roleRef: { apiGroup: rbacGroup, kind: "ClusterRole", name: gatewayNames.healthRole },
      subjects: [{ kind: "ServiceAccount", ...account }],
    },
  ];
}
