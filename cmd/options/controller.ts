import { hostname } from "node:os";
import { type AddonName, addonNames } from "#api";
import {
  type ControllerDeps,
  createAddonMetrics,
  createClusterGateway,
  createClusterProxy,
  createManagedServiceAccount,
  type DeployMode,
  type Part,
} from "#controllers";
import {
  createEventRecorder,
  createKubeClient,
  createLeaderElection,
  discoverAddonVersion,
  type KubeClient,
} from "#kube";
import {
  type Check,
  createHealthServer,
  createMetrics,
  type Logger,
  type Metrics,
  type Runnable,
} from "#runtime";
import { parseBindAddress } from "./bind-address.ts";
import { controllerFlags } from "./controller-flags.ts";
import { parseFeatureGates } from "./feature-gates.ts";
import { type FlagValues, UsageError } from "./flags.ts";
import { parseHttpsUrl } from "./https-url.ts";
import { parsePermissionPolicy } from "./permission-policy.ts";
import type { ProcessOptions } from "./process.ts";

type Values = FlagValues<typeof controllerFlags>;

/** `controller`: the hub side of the addons that `--addons` names. */
export const controller: ProcessOptions<typeof controllerFlags> = {
  name: "controller",
  summary: "Runs the hub side of the addons: registration, certificates, manifests, installation.",
  flags: controllerFlags,
  async build(values, log, signal) {
    const addons = readAddons(values.addons);
    const deployMode = readDeployMode(values["deploy-mode"]);
    const client = await createKubeClient({
      kubeconfig: values.kubeconfig || undefined,
      environment: process.env,
      userAgent: "spokeway-controller",
    });
    const namespace = ownNamespace(client);
    const metrics = createMetrics();
    const deps: ControllerDeps = {
      client,
      namespace,
      log,
      version: await discoverAddonVersion(client, signal),
      metrics: createAddonMetrics(metrics),
      events: createEventRecorder(client, "spokeway-controller", log),
      now: () => new Date(),
    };
    log.info("Found addon API", { version: deps.version, addons });
    const settings = { ...values, deployMode };
    const parts = addons.map((addon) => ({ addon, part: create[addon](deps, settings) }));
    return [
      ...parts.flatMap(({ part }) => part.caches),
      ...parts.flatMap(({ addon, part }) => acting(deps, values, addon, part, log)),
      ...servers(values, metrics, parts),
    ];
  },
};

type Settings = Values & { readonly deployMode: DeployMode };

const create: Readonly<Record<AddonName, (deps: ControllerDeps, values: Settings) => Part>> = {
  "cluster-proxy": (deps, values) =>
    createClusterProxy(deps, {
      signer: signerKey(deps, values, addonNames.clusterProxy),
      installNamespace: values["agent-install-namespace"],
      isKubeApiProxied: values["enable-kube-api-proxy"],
      hasServiceProxy: values["enable-service-proxy"],
      isImpersonating: values["enable-impersonation"],
      exposedServicesConfigMap: values["exposed-services-configmap"],
      authorityOverlapMs: values["authority-overlap"],
      isSharedIdentityAccepted: values["accept-shared-agent-identity"],
      imagePullPolicy: values["image-pull-policy"],
    }),
  "managed-serviceaccount": (deps, values) => {
    const { deployMode } = values;
    const agentImage = values["agent-image"];
    if (agentImage === "" && deployMode === "Deployment") {
      throw new UsageError("Cannot start without --agent-image");
    }
    const agentImagePullSecret =
      values["agent-image-pull-secret"] || (process.env["AGENT_IMAGE_PULL_SECRET"] ?? "");
    const gates = parseFeatureGates(values["feature-gates"], {
      EphemeralIdentity: false,
      ClusterProfile: false,
    });
    return createManagedServiceAccount(deps, {
      deployMode,
      agentImage,
      agentImagePullSecret,
      permissionPolicy: parsePermissionPolicy("permission-policy", values["permission-policy"]),
      endsEphemeral: gates.EphemeralIdentity,
      clusterProfileNamespaces: clusterProfileNamespaces(gates.ClusterProfile, values),
      outputs: {
        namespaces: values["output-namespaces"],
        passNamespace: values["gateway-pass-namespace"],
        hasPassesForProfiles: gates.ClusterProfile,
        gatewayAddress: parseHttpsUrl("gateway-address", values["gateway-address"]),
      },
    });
  },
  "cluster-gateway": (deps, values) =>
    createClusterGateway(deps, {
      signer: signerKey(deps, values, addonNames.clusterGateway),
      imagePullPolicy: values["image-pull-policy"],
    }),
};

function clusterProfileNamespaces(
  isOn: boolean,
  { "cluster-profile-namespaces": namespaces }: Values,
): readonly string[] | undefined {
  const wrong = namespaces.find((name) => !/^(\*|[a-z0-9]([a-z0-9-]*[a-z0-9])?)$/.test(name));
  if (wrong !== undefined) {
    const rule = "expected names of namespaces, or * alone for all";
    throw new UsageError(`Cannot use --cluster-profile-namespaces=${wrong}: ${rule}`);
  }
  return isOn ? namespaces : undefined;
}

function signerKey({ namespace }: ControllerDeps, values: Values, addon: AddonName) {
  return {
    namespace: values["signer-secret-namespace"] || namespace,
    name: values["signer-secret-name"] || `${addon}-signer`,
  };
}

function readDeployMode(given: string): DeployMode {
  if (given === "Deployment" || given === "AddOnTemplate") return given;
  throw new UsageError(`Cannot use --deploy-mode=${given}: expected Deployment or AddOnTemplate`);
}

function readAddons(given: readonly string[]): readonly AddonName[] {
  const known: readonly string[] = Object.values(addonNames);
  if (given.length === 0) {
    throw new UsageError(`Cannot start without --addons: some of ${known.join(", ")}`);
  }
  const unknown = given.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`Cannot use --addons=${unknown}: known are ${known.join(", ")}`);
  }
  return [...new Set(given)] as readonly AddonName[];
}

function ownNamespace({ access }: KubeClient): string {
  const namespace = process.env["POD_NAMESPACE"] || access.namespace;
  if (namespace === undefined) {
    throw new UsageError("Cannot tell the controller's namespace: set POD_NAMESPACE");
  }
  return namespace;
}

/** What writes runs in one process at a time; the caches of the others stay warm. */
function acting(
  { client, namespace }: ControllerDeps,
  values: Values,
  addon: AddonName,
  { controllers }: Part,
  log: Logger,
): readonly Runnable[] {
  if (!values["leader-elect"]) return controllers;
  const identity = process.env["POD_NAME"] || `${hostname()}-${process.pid}`;
  const lease = { namespace, name: `${addon}-addon-manager` };
  return [createLeaderElection(client, { lease, identity, log }, controllers)];
}

interface NamedPart {
  readonly addon: AddonName;
  readonly part: Part;
}

function servers(values: Values, metrics: Metrics, parts: readonly NamedPart[]): Runnable[] {
  const health = parseBindAddress("health-probe-bind-address", values["health-probe-bind-address"]);
  const scrape = parseBindAddress("metrics-bind-address", values["metrics-bind-address"]);
  const ready = Object.fromEntries(parts.map(({ addon, part }) => [addon, synced(part)]));
  return [
    ...(health === undefined ? [] : [createHealthServer({ ...health, ready })]),
    ...(scrape === undefined ? [] : [createHealthServer({ ...scrape, metrics })]),
  ];
}

function synced({ caches }: Part): Check {
  return () => {
    const waiting = caches.filter(({ isSynced }) => !isSynced).map(({ name }) => name);
    return waiting.length === 0 ? undefined : `not synced yet: ${waiting.join(", ")}`;
  };
}
