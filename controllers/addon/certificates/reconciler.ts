import type { CertificateSigningRequest } from "#api";
import { type KubeClient, type ObjectCache, type Reconciler, settled } from "#kube";
import type { CounterMetric, Logger } from "#runtime";
import type { ConfigSource } from "../configuration/config-source.ts";
import type { AddonDefinition } from "../definition.ts";
import type { DeployCaches } from "../deploy/gather.ts";
import { gather } from "./gather.ts";
import { approve, sign } from "./perform.ts";
import { type Plan, plan } from "./plan.ts";
import type { Snapshot } from "./snapshot.ts";

export interface CertificatePorts {
  readonly client: KubeClient;
  readonly definition: AddonDefinition;
  readonly source: ConfigSource;
  readonly requests: ObjectCache<CertificateSigningRequest>;
  readonly caches: Pick<DeployCaches, "clusters" | "addonOf">;
  /** Counts decisions, by `addon`, `decision` and `reason`. */
  readonly decisions: CounterMetric;
  readonly log: Logger;
  readonly now: () => Date;
}

/** Gives certificates to agents that may have them, and to nobody else. */
export function createCertificateReconciler(ports: CertificatePorts): Reconciler<string> {
  const { definition, requests, caches, source } = ports;
  const told = new Map<string, string>();
  return {
    name: `certificate-requests ${definition.name}`,
    async reconcile(name, signal) {
      const request = requests.get(name);
      if (request === undefined) {
        told.delete(name);
        return settled;
      }
      const snapshot = await gather(definition, caches, source, request);
      if (snapshot === undefined) return settled;
      const { signerName } = request.spec;
      const signer = definition.customSigners.find((entry) => entry.signerName === signerName);
      const decision = plan(snapshot, signer !== undefined);
      const news = decision.kind === "leave" ? decision.objection.message : decision.kind;
      if (told.get(name) !== news) tell(ports, snapshot, decision);
      told.set(name, news);
      await carryOut(ports, snapshot, decision, signal);
      return settled;
    },
  };
}

async function carryOut(
  { client, definition, now }: CertificatePorts,
  snapshot: Snapshot,
  { kind }: Plan,
  signal: AbortSignal,
): Promise<void> {
  const { request } = snapshot;
  if (kind === "approve") await approve(client, request, now(), signal);
  const { signerName } = request.spec;
  const signer = definition.customSigners.find((entry) => entry.signerName === signerName);
  if (kind === "sign" && signer !== undefined) await sign(client, snapshot, signer, now(), signal);
}

function tell(
  { decisions, log, definition: { name: addon } }: CertificatePorts,
  { request, clusterName: cluster }: Snapshot,
  decision: Plan,
): void {
  if (decision.kind === "nothing") return;
  const fields = { request: request.metadata.name, cluster, addon };
  if (decision.kind === "leave") {
    const { reason, message } = decision.objection;
    decisions.inc({ addon, decision: "left", reason });
    log.warn("Certificate request left alone", { ...fields, reason, detail: message });
    return;
  }
  decisions.inc({ addon, decision: decision.kind, reason: "" });
  log.info("Certificate request granted", { ...fields, decision: decision.kind });
}
