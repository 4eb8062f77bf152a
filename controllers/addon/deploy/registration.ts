import { signerUnit } from "#pki";
import type { AddonView, KubeClientRegistration, Registration } from "../addon-view.ts";
import type { AddonDefinition, CustomSigner, HubAccess } from "../definition.ts";
import { everyone, tokenUser } from "../subject.ts";

/**
 * What the klusterlet is to register. Keeps what belongs to it: the driver, and with the token
 * driver the subject, provided that it is the one that OCM makes for this addon and cluster.
 *
 * Nothing at all while a signer has no authority: the klusterlet asks anew for every certificate
 * when one registration is added.
 */
export function planRegistrations(
  definition: AddonDefinition,
  addon: AddonView,
): readonly Registration[] {
  const { hubAccess, customSigners } = definition;
  if (customSigners.some((signer) => signer.authority() === undefined)) return [];
  return [
    ...(hubAccess === undefined ? [] : [kubeClient(hubAccess, addon)]),
    ...customSigners.flatMap((signer) => customSigner(signer, addon.cluster)),
  ];
}

/** Who the agent is on the hub, for bindings; undefined while nobody knows. */
export function permittedSubjects(
  registrations: readonly Registration[],
): KubeClientRegistration | undefined {
  const access = registrations.find((entry) => entry.kind === "kubeClient");
  if (access === undefined) return undefined;
  const groups = access.groups.filter((group) => group !== everyone);
  return access.user === "" && groups.length === 0 ? undefined : { ...access, groups };
}

function kubeClient(access: HubAccess, addon: AddonView): KubeClientRegistration {
  const known = addon.status.registrations.find((entry) => entry.kind === "kubeClient");
  const driver = known?.driver ?? "";
  if (driver !== "token") return { kind: "kubeClient", ...access.subject(addon.cluster), driver };
  // The klusterlet may write this status: another user would get rights that are the agent's.
  const user = tokenUser(addon.name, addon.cluster);
  return { kind: "kubeClient", user: known?.user === user ? user : "", groups: [], driver };
}

/** The unit in the subject names the authority: another one makes the agent ask again. */
function customSigner(signer: CustomSigner, cluster: string): readonly Registration[] {
  const authority = signer.authority();
  if (authority === undefined) return [];
  const organizationUnits = [signerUnit(authority.certificate.pem)];
  const { signerName } = signer;
  return [{ kind: "customSigner", signerName, ...signer.subject(cluster), organizationUnits }];
}
