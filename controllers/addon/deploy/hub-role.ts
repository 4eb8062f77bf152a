import { type AddonVersion, addonGroup, type KubeObject, ocmLabels, ownerReferenceTo } from "#api";
import { isContained } from "../../canonical-json.ts";
import type { AddonView, KubeClientRegistration } from "../addon-view.ts";
import type { HubAccess } from "../definition.ts";

const rbacGroup = "rbac.authorization.k8s.io";

/** The Role that an agent has in its cluster's namespace; it goes with the addon. */
export function hubRole(access: HubAccess, addon: AddonView, version: AddonVersion): KubeObject {
  const role = { metadata: metadata(access, addon, version), rules: access.role.rules };
  return role;
}

/** The binding of that Role to whoever the agent is on the hub. */
export function hubRoleBinding(
  access: HubAccess,
  addon: AddonView,
  version: AddonVersion,
  { user, groups }: KubeClientRegistration,
): KubeObject {
  const subjects = [
    ...(user === "" ? [] : [{ kind: "User", apiGroup: rbacGroup, name: user }]),
    ...groups.map((name) => ({ kind: "Group", apiGroup: rbacGroup, name })),
  ];
  const binding = {
    metadata: metadata(access, addon, version),
    roleRef: { apiGroup: rbacGroup, kind: "Role", name: access.role.name },
    subjects,
  };
  return binding;
}

/** True when what is on the hub already says all of it. */
export function isUpToDate(wanted: KubeObject, observed: KubeObject | undefined): boolean {
  return observed !== undefined && isContained(wanted, observed);
}

function metadata(access: HubAccess, addon: AddonView, version: AddonVersion) {
  const owner = ownerReferenceTo(`${addonGroup}/${version}`, "ManagedClusterAddOn", addon.object, {
    blockOwnerDeletion: true,
  });
  return {
    name: access.role.name,
    namespace: addon.cluster,
    labels: { [ocmLabels.addonName]: addon.name },
    ownerReferences: [owner],
  };
}
