import {
  findCondition,
  type KubeObject,
  type ManagedServiceAccount,
  managedServiceAccountConditionTypes,
  type PermissionPolicy,
} from "#api";
import {
  type EventRecorder,
  type FreshView,
  ignoreNotFound,
  type KubeClient,
  type Reconciler,
  recheckAfter,
  resourcePath,
  settled,
} from "#kube";
import { describeError, isAbortError, type Logger } from "#runtime";
import { type PerformPorts, writeStatus } from "../perform.ts";
import { type PermissionPlan, type PermissionSnapshot, planPermissions } from "./plan.ts";
import { type PermissionResult, statusOfPermissions } from "./report.ts";
import type { RightsIndex } from "./rights-index.ts";
import { type RightsObject, rightsTypes } from "./rights-object.ts";

export interface PermissionPorts extends PerformPorts {
  readonly managed: KubeClient;
  readonly accounts: FreshView<ManagedServiceAccount>;
  readonly serviceAccounts: FreshView<KubeObject>;
  readonly rights: Pick<RightsIndex, "of">;
  /** Names that are never given rights: the agent's own. */
  readonly ownNames: ReadonlySet<string>;
  readonly policy: PermissionPolicy | undefined;
  readonly events: EventRecorder;
  readonly now: () => number;
  readonly log: Logger;
}

const fieldManager = "spokeway-agent-permissions";
/** How often an account is looked at again whose ServiceAccount is not there. */
const waitingRecheckMs = 60_000;

/** Gives ServiceAccounts what their accounts ask for, and takes the rest. Keys: `namespace/name`. */
export function createPermissionReconciler(ports: PermissionPorts): Reconciler<string> {
  return {
    name: "permissions",
    async reconcile(key, signal) {
      const snapshot = await gather(ports, key, signal);
      if (snapshot.account === undefined) {
        await release(ports, key, snapshot, signal);
        return settled;
      }
      // What is going away keeps its rights until it is gone.
      if (snapshot.account.metadata.deletionTimestamp !== undefined) return settled;
      const plan = planPermissions(snapshot);
      const failure = await carryOut(ports, plan, signal);
      const result = failure === undefined ? plan.report : failed(failure);
      await report(ports, snapshot.account, result, signal);
      if (failure !== undefined) throw failure;
      return result.kind === "waiting" ? recheckAfter(waitingRecheckMs) : settled;
    },
  };
}

async function gather(
  ports: PermissionPorts,
  key: string,
  signal: AbortSignal,
): Promise<PermissionSnapshot> {
  const name = key.slice(key.indexOf("/") + 1);
  const { agentNamespace, policy, ownNames } = ports;
  const serviceAccount = ports.serviceAccounts.get(`${agentNamespace}/${name}`);
  const account = ports.accounts.get(key);
  const givesRights = account?.spec.permissions !== undefined && policy !== undefined;
  return {
    name,
    account,
    hasServiceAccount: serviceAccount !== undefined && !ownNames.has(name),
    existing: ports.rights.of(name),
    agentNamespace,
    policy,
    anchor: givesRights ? await ports.anchors.clusterRole(signal) : undefined,
  };
}

/** Does all that can be done and answers the first thing that could not. */
async function carryOut(
  { managed, log }: PermissionPorts,
  { remove, apply }: PermissionPlan,
  signal: AbortSignal,
): Promise<Error | undefined> {
  let failure: Error | undefined;
  const attempt = async (
    what: string,
    { kind, object }: RightsObject,
    action: Promise<unknown>,
  ) => {
    try {
      await action;
      const { name, namespace } = object.metadata;
      log.info(what, { kind, name, namespace });
    } catch (error) {
      if (isAbortError(error, signal)) throw error;
      failure ??= error instanceof Error ? error : new Error(describeError(error));
    }
  };
  for (const rights of remove) {
    await attempt("Right removed", rights, removeRights(managed, rights, signal));
  }
  for (const rights of apply) {
    const { kind, object } = rights;
    const applied = managed.apply(rightsTypes[kind], object, signal, { fieldManager });
    await attempt("Right given", rights, applied);
  }
  return failure;
}

async function removeRights(
  managed: KubeClient,
  { kind, object }: RightsObject,
  signal: AbortSignal,
): Promise<void> {
  const { name, namespace, uid } = object.metadata;
  const key = { name, namespace };
  await ignoreNotFound(managed.delete(rightsTypes[kind], key, signal, { uid }));
}

/** As for its ServiceAccount: an account that the cache could not read is not gone. */
async function release(
  ports: PermissionPorts,
  key: string,
  snapshot: PermissionSnapshot,
  signal: AbortSignal,
): Promise<void> {
  if (snapshot.existing.length === 0) return;
  const namespace = key.slice(0, key.indexOf("/"));
  const path = resourcePath(ports.accountType, { namespace, name: snapshot.name });
  if ((await ignoreNotFound(ports.hub.rawJson(path, signal))) !== undefined) return;
  const failure = await carryOut(ports, planPermissions(snapshot), signal);
  if (failure !== undefined) throw failure;
}

function failed(error: Error): PermissionResult {
  return { kind: "failed", message: describeError(error) };
}

async function report(
  ports: PermissionPorts,
  account: ManagedServiceAccount,
  result: PermissionResult,
  signal: AbortSignal,
): Promise<void> {
  const now = new Date(ports.now());
  await writeStatus(ports, account, (at) => statusOfPermissions(at, result, now), signal);
  if (!("message" in result) || isTold(account, result.message)) return;
  const event = {
    type: "Warning",
    reason: "PermissionsNotApplied",
    message: result.message,
  } as const;
  await ports.events.record(ports.accountType, account, event);
}

function isTold({ status }: ManagedServiceAccount, message: string): boolean {
  const { permissionsApplied } = managedServiceAccountConditionTypes;
  return findCondition(status.conditions, permissionsApplied)?.message === message;
}
