import { type CertificateSigningRequest, certificateSigningRequests, timestamp } from "#api";
import type { KubeClient } from "#kube";
import { signRequest } from "#pki";
import type { CustomSigner } from "../definition.ts";
import type { Snapshot } from "./snapshot.ts";

/** Approves the request. */
export async function approve(
  client: KubeClient,
  request: CertificateSigningRequest,
  now: Date,
  signal: AbortSignal,
): Promise<void> {
  const at = timestamp(now);
  const condition = {
    type: "Approved",
    status: "True",
    reason: "AutoApprovedByHubCSRApprovingController",
    message: "Auto approving addon agent certificate.",
    lastUpdateTime: at,
    lastTransitionTime: at,
  };
  const conditions = [...(request.status?.conditions ?? []), condition];
  const approved = { ...request, status: { ...request.status, conditions } };
  await client.replace(certificateSigningRequests, approved, signal, { subresource: "approval" });
}

/** Signs the approved request, for what the signer is for, in the names that are this cluster's. */
export async function sign(
  client: KubeClient,
  { request, asked, clusterName, installNamespace }: Snapshot,
  signer: CustomSigner,
  now: Date,
  signal: AbortSignal,
): Promise<void> {
  const authority = signer.authority();
  if (authority === undefined)
    throw new Error(`Cannot sign for ${signer.signerName}: no authority yet`);
  if (asked === undefined || installNamespace === undefined) return;
  const { expirationSeconds } = request.spec;
  const askedMs = expirationSeconds === undefined ? signer.lifetimeMs : expirationSeconds * 1000;
  const options = {
    names: [...asked.names, ...signer.names(clusterName, installNamespace)],
    usages: signer.usages ?? (["client"] as const),
    lifetimeMs: Math.min(signer.lifetimeMs, askedMs),
  };
  const pem = await signRequest(authority, asked, options, now);
  const certificate = Buffer.from(pem).toString("base64");
  const signed = { ...request, status: { ...request.status, certificate } };
  await client.replace(certificateSigningRequests, signed, signal, { subresource: "status" });
}
