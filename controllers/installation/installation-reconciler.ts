import type { KubeObject } from "#api";
import {
  isApiError,
  type ObjectCache,
  type Outcome,
  type Reconciler,
  recheckAfter,
  settled,
} from "#kube";
import { describeError, type GaugeMetric, TerminalError } from "#runtime";
import { msUntilRenewal, observeEnd } from "./certificates.ts";
import { conditionsWith, writeConfigurationStatus } from "./configuration-status.ts";
import type { Target } from "./following-trigger.ts";
import type { Installation, Refusal } from "./installation.ts";
import { lifetimes, type PerformPorts, performAll } from "./perform.ts";

export interface InstallationPorts extends PerformPorts {
  /** As the API server sends them. */
  readonly configurations: ObjectCache<KubeObject>;
  readonly certificateEnd: GaugeMetric;
  /** Is told which objects the configuration depends on. */
  readonly follow: (targets: readonly Target[]) => void;
}

/**
 * Keeps what an addon runs on the hub as its configuration asks for. Whatever stands in the way is
 * told in the configuration's conditions, also when nothing could be read.
 */
export function createInstallationReconciler<C extends KubeObject, S>(
  ports: InstallationPorts,
  installation: Installation<C, S>,
): Reconciler<string> {
  return {
    name: installation.name,
    async reconcile(name, signal) {
      const object = ports.configurations.get(name);
      if (object === undefined || object.metadata.deletionTimestamp !== undefined) return settled;
      try {
        if (name !== installation.configurationName) throw unused(installation, name);
        const configuration = installation.parse(object);
        ports.follow(installation.targetsOf(configuration));
        return await reconcileOne(ports, installation, configuration, signal);
      } catch (error) {
        signal.throwIfAborted();
        const refusal = refusalOf(installation, error);
        if (refusal !== undefined) await refuse(ports, installation, object, refusal, signal);
        throw error;
      }
    },
  };
}

function unused<C extends KubeObject, S>(
  { type, configurationName }: Installation<C, S>,
  name: string,
): TerminalError {
  return new TerminalError(
    `Cannot run anything for ${type.kind} ${name}: only ${configurationName} is acted on; others are read by agents that refer to them`,
  );
}

async function reconcileOne<C extends KubeObject, S>(
  ports: InstallationPorts,
  installation: Installation<C, S>,
  configuration: C,
  signal: AbortSignal,
): Promise<Outcome> {
  const { certificateEnd, now } = ports;
  const owner = installation.ownerOf(configuration);
  const before = await installation.gather(configuration, signal);
  // One time for deciding and for when to look again: what is due in between is not forgotten.
  const at = now();
  const { actions, missing } = installation.plan(before, at);
  const failure = await performAll(ports, owner, actions, signal);
  // What is applied triggers another look by itself; what is made here is looked at again now, so
  // that its renewal is not forgotten.
  const isSettled = actions.every(({ kind }) => kind === "apply");
  const after = isSettled ? before : await installation.gather(configuration, signal);
  const obstacle = failure === undefined ? missing : explain(installation, failure);
  const conditions = installation.conditions(after, obstacle, now());
  await writeConfigurationStatus(ports, owner, conditions, signal);
  if (failure !== undefined) throw failure as Error;
  if (!isSettled) return recheckAfter(0);
  const { certificates, dueInMs } = installation.upkeep(after, at);
  const kept = certificates.map(({ certificate, ...place }) =>
    observeEnd(certificateEnd, place, certificate),
  );
  const maxMs = Math.min(lifetimes.certificateMs / 8, ...dueInMs.filter((ms) => ms > 0));
  return recheckAfter(msUntilRenewal(kept, maxMs, at));
}

/** What a failure before anything was known says; undefined where the next try settles it. */
function refusalOf<C extends KubeObject, S>(
  installation: Installation<C, S>,
  error: unknown,
): Refusal | undefined {
  if (error instanceof TerminalError) {
    return { reason: "InvalidConfiguration", message: describeError(error) };
  }
  if (!isApiError(error, "forbidden")) return undefined;
  return { reason: "Forbidden", message: explain(installation, error) };
}

function explain<C extends KubeObject, S>(
  { adviceOnForbidden }: Installation<C, S>,
  failure: unknown,
): string {
  const text = describeError(failure);
  return isApiError(failure, "forbidden") ? `${text}. ${adviceOnForbidden}` : text;
}

async function refuse<C extends KubeObject, S>(
  ports: InstallationPorts,
  { deployedType, type }: Installation<C, S>,
  object: KubeObject,
  refusal: Refusal,
  signal: AbortSignal,
): Promise<void> {
  const update = { type: deployedType, status: "False", ...refusal } as const;
  const conditions = conditionsWith(object, [update], ports.now());
  await writeConfigurationStatus(ports, { type, object }, conditions, signal);
}
