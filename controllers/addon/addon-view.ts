import {
  type AddOnConfig,
  type Condition,
  type ConfigGroupResource,
  type ConfigReference,
  type KubeObject,
  type ManagedClusterAddOnV1alpha1,
  type ManagedClusterAddOnV1beta1,
  ocmAnnotations,
  type RegistrationV1alpha1,
  type RegistrationV1beta1,
  signerNames,
} from "#api";

/** Access of an addon's agent to the hub's API. */
export interface KubeClientRegistration {
  readonly kind: "kubeClient";
  /** Empty while the klusterlet has yet to fill it in. */
  readonly user: string;
  readonly groups: readonly string[];
  /** How the klusterlet gets the credential: `csr`, `token`, or empty before it has said. */
  readonly driver: string;
}

/** A certificate for an addon's agent from a signer that is not the hub's own. */
export interface CustomSignerRegistration {
  readonly kind: "customSigner";
  readonly signerName: string;
  readonly user: string;
  readonly groups: readonly string[];
  readonly organizationUnits: readonly string[];
}

export type Registration = KubeClientRegistration | CustomSignerRegistration;

/** What we report in a ManagedClusterAddOn's status. */
export interface AddonStatus {
  readonly conditions: readonly Condition[];
  readonly supportedConfigs: readonly ConfigGroupResource[];
  readonly configReferences: readonly ConfigReference[];
  readonly namespace: string | undefined;
  readonly registrations: readonly Registration[];
  readonly healthMode: string | undefined;
}

/** A ManagedClusterAddOn, the same for every version of the API. */
export interface AddonView {
  readonly cluster: string;
  readonly name: string;
  readonly object: KubeObject;
  readonly isDeleting: boolean;
  /** Where an administrator wants the agent; undefined when nobody said. */
  readonly installNamespace: string | undefined;
  readonly specConfigs: readonly AddOnConfig[];
  readonly status: AddonStatus;
}

/** The view of an object of v1alpha1. */
export function viewV1alpha1(object: ManagedClusterAddOnV1alpha1): AddonView {
  const { registrations = [], kubeClientDriver = "" } = object.status;
  return {
    ...commonView(object),
    installNamespace: object.spec.installNamespace,
    status: {
      ...commonStatus(object),
      registrations: registrations.map((entry) => fromV1alpha1(entry, kubeClientDriver)),
    },
  };
}

/** The view of an object of v1beta1. */
export function viewV1beta1(object: ManagedClusterAddOnV1beta1): AddonView {
  const { registrations = [] } = object.status;
  return {
    ...commonView(object),
    installNamespace: object.metadata.annotations?.[ocmAnnotations.installNamespace],
    status: { ...commonStatus(object), registrations: registrations.map(fromV1beta1) },
  };
}

/**
 * True while OCM's own addon manager delivers the addon to this cluster, from an AddOnTemplate. The
 * ClusterManagementAddOn says so first; what counts is that it has arrived here.
 */
export function isDeliveredByOcm({ status }: AddonView): boolean {
  return status.configReferences.some(({ resource }) => resource === "addontemplates");
}

type AnyAddon = ManagedClusterAddOnV1alpha1 | ManagedClusterAddOnV1beta1;

function commonView(object: AnyAddon): Omit<AddonView, "installNamespace" | "status"> {
  return {
    cluster: object.metadata.namespace ?? "",
    name: object.metadata.name,
    object,
    isDeleting: object.metadata.deletionTimestamp !== undefined,
    specConfigs: object.spec.configs ?? [],
  };
}

function commonStatus({ status }: AnyAddon): Omit<AddonStatus, "registrations"> {
  return {
    conditions: status.conditions,
    supportedConfigs: status.supportedConfigs ?? [],
    configReferences: status.configReferences ?? [],
    namespace: status.namespace,
    healthMode: status.healthCheck?.mode,
  };
}

function fromV1alpha1({ signerName, subject }: RegistrationV1alpha1, driver: string): Registration {
  const { user = "", groups = [], organizationUnit = [] } = subject ?? {};
  return signerName === signerNames.kubeApiserverClient
    ? { kind: "kubeClient", user, groups, driver }
    : { kind: "customSigner", signerName, user, groups, organizationUnits: organizationUnit };
}

function fromV1beta1({ kubeClient, customSigner }: RegistrationV1beta1): Registration {
  if (customSigner === undefined || customSigner === null) return fromKubeClient(kubeClient);
  const { signerName, subject = {} } = customSigner;
  const { user = "", groups = [], organizationUnits = [] } = subject;
  return { kind: "customSigner", signerName, user, groups, organizationUnits };
}

function fromKubeClient(kubeClient: RegistrationV1beta1["kubeClient"]): Registration {
  const { subject = {}, driver = "" } = kubeClient ?? {};
  const { user = "", groups = [] } = subject;
  return { kind: "kubeClient", user, groups, driver };
}
