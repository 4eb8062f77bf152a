import { type AuditLog, AuditPolicyError, openAuditLog } from "#gateway";
import { describeError, type Logger, type Metrics } from "#runtime";
import { type Flag, type FlagValues, UsageError } from "./flags.ts";
import { ownFile, type WorkerRole } from "./workers.ts";

/** Flags of the gateway about its audit log, named as kube-apiserver names its own. */
export const auditFlags = {
  "audit-policy-file": {
    type: "string",
    default: "",
    help: "audit.k8s.io/v1 Policy: what is recorded; everything when empty; read again when it changes",
  },
  "audit-log-path": {
    type: "string",
    default: "",
    help: "File that requests to managed clusters are recorded in, or - for the standard output; nowhere when empty",
  },
  "audit-log-maxsize": {
    type: "int",
    default: 100,
    help: "Megabytes after which the file is put aside",
  },
  "audit-log-maxbackup": {
    type: "int",
    default: 4,
    help: "Files that are kept beside the one that is written to",
  },
  "audit-webhook-config-file": {
    type: "string",
    default: "",
    help: "Kubeconfig of a server that gets audit events in batches; none when empty",
  },
} as const satisfies Readonly<Record<string, Flag>>;

export type AuditValues = FlagValues<typeof auditFlags>;

const megabyte = 1024 * 1024;

/** Opens the audit log that the flags describe. Throws a UsageError for what cannot be used. */
export async function openAudit(
  values: AuditValues,
  role: Pick<WorkerRole, "slot">,
  metrics: Metrics,
  log: Logger,
): Promise<AuditLog> {
  for (const name of ["audit-log-maxsize", "audit-log-maxbackup"] as const) {
    if (values[name] < 1)
      throw new UsageError(`Cannot use --${name}=${values[name]}: expected 1 or more`);
  }
  try {
    return await openAuditLog({
      policyFile: given(values["audit-policy-file"]),
      path: given(ownFile(values["audit-log-path"], role)),
      maxBytes: values["audit-log-maxsize"] * megabyte,
      maxFiles: values["audit-log-maxbackup"] + 1,
      webhookKubeconfig: given(values["audit-webhook-config-file"]),
      stdout: process.stdout,
      metrics,
      log,
    });
  } catch (error) {
    const isOurs =
      error instanceof AuditPolicyError || (error instanceof Error && "syscall" in error);
    if (!isOurs) throw error;
    throw new UsageError(`Cannot open the audit log: ${describeError(error)}`, { cause: error });
  }
}

function given(value: string): string | undefined {
  return value === "" ? undefined : value;
}
