import { type KubeObject, type ManagedProxyConfiguration, managedProxyConfigurations } from "#api";
import { type ObjectCache, type Outcome, type Reconciler, recheckAfter, settled } from "#kube";
import type { Authority } from "#pki";
import { describeError, TerminalError } from "#runtime";
import type { AddonMetrics } from "../../addon/addon.ts";
import { certificateIn, msUntilRenewal, observeEnd } from "../../certificate-plan.ts";
import { writeConfigurationStatus } from "../../configuration-status.ts";
import { authorityOf } from "../../tls-secret.ts";
import { parseConfiguration } from "../configuration.ts";
import { lifetimes } from "../names.ts";
import type { DesiredOptions } from "./desired.ts";
import { gather, type Snapshot } from "./gather.ts";
import { type PerformPorts, perform } from "./perform.ts";
import { type Action, plan } from "./plan.ts";
import { conditionsAfter, conditionsOfRefusal } from "./status.ts";

export interface ServerPorts extends PerformPorts {
  /** As the API server sends them. */
  readonly configurations: ObjectCache<KubeObject>;
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
  const { client, signerKey, options, now } = ports;
  const before = await gather(client, signerKey, configuration, signal);
  const authority = usableAuthority(before);
  const actions = plan(before, authority, options, now());
  const failure = await performAll(ports, configuration, authority, actions, signal);
  const isSigned = actions.every(({ kind }) => kind === "apply");
  const after = isSigned ? before : await gather(client, signerKey, configuration, signal);
  const reason = failure === undefined ? undefined : describeError(failure);
  const conditions = conditionsAfter(after, reason, now());
  const type = managedProxyConfigurations;
  await writeConfigurationStatus(client, type, configuration, conditions, signal);
  if (failure !== undefined) throw failure as Error;
  if (authority === undefined) return recheckAfter(0);
  const certificates = after.certificates.map(({ wanted, secret }) =>
    observeEnd(ports.metrics.certificateEnd, wanted, certificateIn(secret)),
  );
  return recheckAfter(msUntilRenewal(certificates, lifetimes.certificateMs / 8, now()));
}

function usableAuthority({ signer }: Snapshot): Authority | undefined {
  try {
    return authorityOf(signer);
  } catch (error) {
    throw new TerminalError("Cannot use the certificate authority in the signer's Secret", {
      cause: error,
    });
  }
}

async function performAll(
  ports: ServerPorts,
  configuration: ManagedProxyConfiguration,
  authority: Authority | undefined,
  actions: readonly Action[],
  signal: AbortSignal,
): Promise<unknown> {
  try {
    for (const action of actions) {
      await perform(ports, configuration, authority, action, signal);
    }
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return error;
  }
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
