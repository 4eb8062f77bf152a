/** For integration tests: names that the bed uses. */
export const secretNamespace = "open-cluster-management-credentials";
/** Of the gateway's account on the managed cluster. */
export const accountNamespace = "open-cluster-management-managed-serviceaccount";
/** Of the gateway on the hub. */
export const installNamespace = "vela-system";
/** Whom the chart's rights are given to here. */
export const gatewayUser = "cluster-gateway";

/** What the chart grants the gateway, and no more; and the way from the hub's API to this process. */
export const hubManifest = `
apiVersion: v1
kind: Namespace
metadata: {name: ${secretNamespace}}
---
apiVersion: v1
kind: Namespace
metadata: {name: ${installNamespace}}
---
apiVersion: v1
kind: Service
metadata: {name: cluster-gateway, namespace: ${installNamespace}}
spec: {type: ExternalName, externalName: localhost}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: managedclusters.cluster.open-cluster-management.io}
spec:
  group: cluster.open-cluster-management.io
  scope: Cluster
  names: {plural: managedclusters, singular: managedcluster, kind: ManagedCluster}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: gateway}
rules:
- {apiGroups: [cluster.open-cluster-management.io], resources: [managedclusters], verbs: [get, list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: gateway}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: gateway}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: ${gatewayUser}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: gateway-auth-delegator}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:auth-delegator"}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: ${gatewayUser}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: gateway, namespace: kube-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: extension-apiserver-authentication-reader}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: ${gatewayUser}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: gateway, namespace: ${secretNamespace}}
rules:
- {apiGroups: [""], resources: [secrets], verbs: [get, list, watch, create, update, patch, delete]}
- {apiGroups: [""], resources: [configmaps], verbs: [list, watch]}
- {apiGroups: [""], resources: [events], verbs: [create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: gateway, namespace: ${secretNamespace}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: gateway}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: ${gatewayUser}}]
`;

/** The account that the gateway acts as on the managed cluster; it may do nothing. */
export const managedManifest = `
apiVersion: v1
kind: Namespace
metadata: {name: ${accountNamespace}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: cluster-gateway, namespace: ${accountNamespace}}
`;

/** Rights on the managed cluster for the gateway's account there. */
export const grantManifest = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: gateway}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: cluster-gateway, namespace: ${accountNamespace}}]
`;
