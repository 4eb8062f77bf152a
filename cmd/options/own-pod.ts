import { hostname } from "node:os";
import { pods } from "#api";
import { createEventRecorder, type KubeClient } from "#kube";
import type { Logger } from "#runtime";

/** Tells of something that went wrong where `kubectl describe pod` shows it. Never throws. */
export type TellOwnPod = (reason: string, message: string) => void;

/**
 * Events about the pod that this process runs in, as `POD_NAME` (else the host's name) and
 * `POD_NAMESPACE` name it. Outside of a pod, or without a client, nothing is told.
 */
export function createOwnPodTeller(
  client: KubeClient | undefined,
  component: string,
  log: Logger,
): TellOwnPod {
  const { POD_NAMESPACE: namespace, POD_NAME: name = hostname(), POD_UID: uid } = process.env;
  if (client === undefined || namespace === undefined || namespace === "") return () => undefined;
  const recorder = createEventRecorder(client, component, log);
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, ...(uid !== undefined && { uid }) },
  };
  return (reason, message) => void recorder.record(pods, pod, { type: "Warning", reason, message });
}
