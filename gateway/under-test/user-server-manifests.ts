/** Where the user server runs on the hub of its bed. */
export const hubNamespace = "open-cluster-management-addon";
/** Where the agent runs on its managed cluster. */
export const agentNamespace = "open-cluster-management-cluster-proxy";
/** Whom the hub takes the user server for. */
export const userServerUser = "user-server";

/** What the chart grants the user server, and no more. */
export const hubManifest = `
apiVersion: v1
kind: Namespace
metadata: {name: ${hubNamespace}}
---
apiVersion: cluster.open-cluster-management.io/v1
kind: ManagedCluster
metadata: {name: managed1}
spec: {hubAcceptsClient: true}
---
apiVersion: cluster.open-cluster-management.io/v1
kind: ManagedCluster
metadata: {name: managed2}
spec: {hubAcceptsClient: true}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: user-server}
rules:
- {apiGroups: [cluster.open-cluster-management.io], resources: [managedclusters], verbs: [get, list, watch]}
- {apiGroups: [authentication.k8s.io], resources: [tokenreviews], verbs: [create]}
- {apiGroups: [authorization.k8s.io], resources: [subjectaccessreviews], verbs: [create]}
- {nonResourceURLs: [/openid/v1/jwks], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: user-server}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: user-server}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: ${userServerUser}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: user-server, namespace: ${hubNamespace}}
rules:
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [cluster-proxy-exposed-services]
  verbs: [get, list, watch]
- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [get, list, watch]}
- {apiGroups: ["", events.k8s.io], resources: [events], verbs: [create, patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: user-server, namespace: ${hubNamespace}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: user-server}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: ${userServerUser}}]
`;

/** What the addon's manifests grant the agent. */
export const managedManifest = `
apiVersion: v1
kind: Namespace
metadata: {name: ${agentNamespace}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: cluster-proxy, namespace: ${agentNamespace}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: cluster-proxy-addon-agent-impersonator}
rules:
- {apiGroups: [""], resources: [users, groups], verbs: [impersonate]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: cluster-proxy-addon-agent-impersonator}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-proxy-addon-agent-impersonator}
subjects: [{kind: ServiceAccount, name: cluster-proxy, namespace: ${agentNamespace}}]
`;
