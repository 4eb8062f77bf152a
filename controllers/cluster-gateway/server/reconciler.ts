import {
  type ClusterGatewayConfiguration,
  clusterGatewayConfigurations,
  configMaps,
  deployments,
  type KubeObject,
  secrets,
} from "#api";
import { type ObjectCache, type Outcome, type Reconciler, recheckAfter, settled } from "#kube";
import { describeError, TerminalError } from "#runtime";
import type { AddonMetrics } from "../../addon/addon.ts";
import type { AuthorityPlace } from "../../installation/action.ts";
import { certificateIn, msUntilRenewal, observeEnd } from "../../installation/certificates.ts";
import { writeConfigurationStatus } from "../../installation/configuration-status.ts";
import type { Target } from "../../installation/following-trigger.ts";
import { lifetimes, type PerformPorts, performAll } from "../../installation/perform.ts";
import { parseConfiguration } from "../configuration.ts";
import { gatewayNames } from "../names.ts";
import { ownerOf } from "./desired.ts";
import { gather, tunnelSourcesOf } from "./gather.ts";
import { plan } from "./plan.ts";
import { conditionsAfter, conditionsOfRefusal } from "./status.ts";

export interface ServerPorts extends PerformPorts {
  /** As the API server sends them. */
  readonly configurations: ObjectCache<KubeObject>;
  /** Where the authority is kept. */
  readonly place: AuthorityPlace;
  readonly imagePullPolicy: string;
  readonly metrics: Pick<AddonMetrics, "certificateEnd">;
  /** Is told which objects a configuration depends on. */
  readonly follow: (targets: readonly Target[]) => void;
}

/** Keeps the gateway of the ClusterGatewayConfiguration as it asks for. */
export function createServerReconciler(ports: ServerPorts): Reconciler<string> {
  return {
    name: "gateway-server",
    async reconcile(name, signal) {
      const object = ports.configurations.get(name);
      if (object === undefined || object.metadata.deletionTimestamp !== undefined) return settled;
      try {
        const configuration = parseConfiguration(object);
        ports.follow(targetsOf(configuration));
        return await reconcileOne(ports, configuration, signal);
      } catch (error) {
        if (error instanceof TerminalError) await refuse(ports, object, error, signal);
        throw error;
      }
    },
  };
}

async function reconcileOne(
  ports: ServerPorts,
  configuration: ClusterGatewayConfiguration,
  signal: AbortSignal,
): Promise<Outcome> {
  const { client, place, imagePullPolicy, now } = ports;
  const before = await gather(client, place, configuration, signal);
  const { actions, missing } = plan(before, place, imagePullPolicy, now());
  const failure = await performAll(ports, ownerOf(configuration), actions, signal);
  const obstacle = failure === undefined ? missing : describeError(failure);
  const conditions = conditionsAfter(before, obstacle, now());
  const type = clusterGatewayConfigurations;
  await writeConfigurationStatus(client, type, configuration, conditions, signal);
  if (failure !== undefined) throw failure as Error;
  // What was just made is looked at again, so that its renewal is not forgotten.
  if (actions.some(({ kind }) => kind !== "apply")) return recheckAfter(0);
  const serving = {
    namespace: configuration.spec.installNamespace,
    secretName: gatewayNames.servingSecret,
  };
  const { certificateEnd } = ports.metrics;
  const certificates = [observeEnd(certificateEnd, serving, certificateIn(before.serving))];
  return recheckAfter(msUntilRenewal(certificates, lifetimes.certificateMs / 8, now()));
}

function targetsOf(configuration: ClusterGatewayConfiguration): readonly Target[] {
  const { installNamespace: namespace } = configuration.spec;
  const { servingSecret, tunnelCaSecret, tunnelClientSecret, deployment, identityConfigMap } =
    gatewayNames;
  const sources = tunnelSourcesOf(configuration);
  const copies = sources === undefined ? [] : [tunnelCaSecret, tunnelClientSecret];
  return [
    { type: deployments, namespace, name: deployment },
    { type: configMaps, namespace, name: identityConfigMap },
    ...[servingSecret, ...copies].map((name) => ({ type: secrets, namespace, name })),
    ...(sources === undefined ? [] : Object.values(sources)).map((source) => ({
      type: secrets,
      namespace: source.namespace,
      name: source.name,
    })),
  ];
}

async function refuse(
  { client, now }: ServerPorts,
  object: KubeObject,
  error: TerminalError,
  signal: AbortSignal,
): Promise<void> {
  const conditions = conditionsOfRefusal(object, describeError(error), now());
  await writeConfigurationStatus(client, clusterGatewayConfigurations, object, conditions, signal);
}
