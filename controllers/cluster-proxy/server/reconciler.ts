import { type KubeObject, type ManagedProxyConfiguration, managedProxyConfigurations } from "#api";
import { type ObjectCache, type Outcome, type Reconciler, recheckAfter, settled } from "#kube";
import { describeError, TerminalError } from "#runtime";
import type { AddonMetrics } from "../../addon/addon.ts";
import { authorityState, planRotation } from "../../installation/authority-rotation.ts";
import { certificateIn, msUntilRenewal, observeEnd } from "../../installation/certificates.ts";
import { writeConfigurationStatus } from "../../installation/configuration-status.ts";
import { lifetimes, type PerformPorts, performAll } from "../../installation/perform.ts";
import { parseConfiguration } from "../configuration.ts";
import { type AuthorityPlaces, authorityNames } from "./authorities.ts";
import { type DesiredOptions, ownerOf } from "./desired.ts";
import { gather } from "./gather.ts";
import { plan } from "./plan.ts";
import { conditionsAfter, conditionsOfRefusal } from "./status.ts";

export interface ServerPorts extends PerformPorts {
  /** As the API server sends them. */
  readonly configurations: ObjectCache<KubeObject>;
  /** Where the authorities are kept. */
  readonly places: AuthorityPlaces;
  readonly options: DesiredOptions;
  readonly metrics: Pick<AddonMetrics, "certificateEnd">;
}

/** Keeps the tunnel server of each ManagedProxyConfiguration as it asks for. */
export function createServerReconciler(ports: ServerPorts): Reconciler<string> {
  return {
    name: "tunnel-server",
    async reconcile(name, signal) {
      const object = ports.configurations.get(name);
      if (object === undefined || object.metadata.deletionTimestamp !== undefined) return settled;
      try {
        return await reconcileOne(ports, parseConfiguration(object), signal);
      } catch (error) {
        if (error instanceof TerminalError) await refuse(ports, object, error, signal);
        throw error;
      }
    },
  };
}

async function reconcileOne(
  ports: ServerPorts,
  configuration: ManagedProxyConfiguration,
  signal: AbortSignal,
): Promise<Outcome> {
  const { client, places, options, metrics, now } = ports;
  const before = await gather(client, places, configuration, signal);
  const actions = plan(before, places, options, now());
  const failure = await performAll(ports, ownerOf(configuration), actions, signal);
  const isSigned = actions.every(({ kind }) => kind === "apply");
  const after = isSigned ? before : await gather(client, places, configuration, signal);
  const reason = failure === undefined ? undefined : describeError(failure);
  const conditions = conditionsAfter(after, reason, now());
  const type = managedProxyConfigurations;
  await writeConfigurationStatus(client, type, configuration, conditions, signal);
  if (failure !== undefined) throw failure as Error;
  if (actions.some(({ kind }) => kind.endsWith("Authority"))) return recheckAfter(0);
  const certificates = after.certificates.map(({ wanted, secret }) =>
    observeEnd(metrics.certificateEnd, wanted, certificateIn(secret)),
  );
  const authorities = authorityNames.map((name) => {
    const state = authorityState(after.signers[name]);
    const { namespace, name: secretName } = places[name];
    observeEnd(metrics.certificateEnd, { namespace, secretName }, state?.certificate);
    const secret = after.signers[name];
    const rotation = secret && planRotation(secret, options.authorityOverlapMs, now());
    return rotation?.kind === "wait" ? rotation.untilMs : 0;
  });
  const maxMs = Math.min(lifetimes.certificateMs / 8, ...authorities);
  return recheckAfter(msUntilRenewal(certificates, maxMs, now()));
}

async function refuse(
  { client, now }: ServerPorts,
  object: KubeObject,
  error: TerminalError,
  signal: AbortSignal,
): Promise<void> {
  const conditions = conditionsOfRefusal(object, describeError(error), now());
  await writeConfigurationStatus(client, managedProxyConfigurations, object, conditions, signal);
}
