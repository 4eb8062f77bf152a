/** What every pod of ours runs as: nobody in particular, with nothing it could gain. */
export const podSecurityContext = {
  runAsNonRoot: true,
  runAsUser: 65_532,
  runAsGroup: 65_532,
  seccompProfile: { type: "RuntimeDefault" },
} as const;

/** The same for its containers; their root file system cannot be written to. */
export const containerSecurityContext = {
  allowPrivilegeEscalation: false,
  privileged: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  capabilities: { drop: ["ALL"] },
} as const;

/** Which pod a process runs in, so that it can tell of itself in Events. */
export const podIdentity = [
  ["POD_NAMESPACE", "metadata.namespace"],
  ["POD_NAME", "metadata.name"],
  ["POD_UID", "metadata.uid"],
].map(([name, fieldPath]) => ({ name, valueFrom: { fieldRef: { fieldPath } } }));

/**
 * Liveness and readiness by HTTP, as all our processes answer them. `readyPath` is for the tunnel
 * server, whose `/readyz` waits for an agent: the agents could then never find it.
 */
export function probes(port: number, readyPath: "/readyz" | "/healthz" = "/readyz") {
  return {
    livenessProbe: {
      httpGet: { path: "/healthz", port },
      initialDelaySeconds: 10,
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 6,
    },
    readinessProbe: {
      httpGet: { path: readyPath, port },
      periodSeconds: 2,
      timeoutSeconds: 5,
      failureThreshold: 5,
    },
  } as const;
}
