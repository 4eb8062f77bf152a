import type { Writable } from "node:stream";
import { loadClusterAccess } from "#kube";
import { describeError, type Logger, type Metrics, type Runnable, watchFiles } from "#runtime";
import { type AuditPolicy, metadataOfAll, parseAuditPolicy } from "./audit-policy.ts";
import { createFileSink, createStreamSink } from "./audit-sinks.ts";
import type { AuditorOptions, AuditSink } from "./auditor.ts";
import { createWebhookSink } from "./webhook-sink.ts";

export interface AuditLogOptions {
  /** An `audit.k8s.io/v1` Policy. Without it, everything is recorded. */
  readonly policyFile?: string | undefined;
  /** A file, or `-` for `stdout`. */
  readonly path?: string | undefined;
  /** The size at which a file is put aside, in bytes. */
  readonly maxBytes: number;
  /** Files that are kept, with the one that is written to. */
  readonly maxFiles: number;
  /** A kubeconfig that names the server which gets events. */
  readonly webhookKubeconfig?: string | undefined;
  readonly stdout: Writable;
  readonly metrics: Metrics;
  readonly log: Logger;
}

export interface AuditLog extends Pick<AuditorOptions, "policy" | "sinks"> {
  readonly runnables: readonly Runnable[];
}

/**
 * Opens the audit log. Throws when the policy or the kubeconfig cannot be used now; a policy that
 * cannot be used when it changes later is logged, and the old one stays.
 */
export async function openAuditLog(options: AuditLogOptions): Promise<AuditLog> {
  const policy = await followPolicy(options);
  const { path, webhookKubeconfig, stdout, log } = options;
  const runnables: Runnable[] = [policy.runnable];
  const sinks: AuditSink[] = [];
  if (path === "-") {
    sinks.push(createStreamSink(stdout));
  } else if (path !== undefined) {
    const onError = (error: unknown) =>
      log.error("Cannot write audit events", { path, error: describeError(error) });
    const file = createFileSink({ ...options, path, onError });
    sinks.push(file);
    runnables.push(file);
  }
  if (webhookKubeconfig !== undefined) {
    const access = await loadClusterAccess({ kubeconfig: webhookKubeconfig });
    const webhook = createWebhookSink({ ...options, access });
    sinks.push(webhook);
    runnables.push(webhook);
  }
  return { policy: policy.current, sinks, runnables };
}

async function followPolicy({ policyFile, log }: AuditLogOptions) {
  const watched = watchFiles(policyFile === undefined ? [] : [policyFile]);
  const parse = ([content]: readonly Buffer[]): AuditPolicy =>
    content === undefined
      ? metadataOfAll
      : parseAuditPolicy(content.toString("utf8"), policyFile ?? "");
  let current = parse(await watched.load());
  watched.onChange((contents) => {
    try {
      current = parse(contents);
      log.info("Audit policy changed", { file: policyFile });
    } catch (error) {
      log.error("Cannot use changed audit policy, keeping the old one", {
        error: describeError(error),
      });
    }
  });
  return { current: () => current, runnable: watched };
}
