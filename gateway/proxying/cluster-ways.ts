import type { Logger } from "#runtime";
import type { ClusterStore } from "../clusters/cluster-store.ts";
import { expiryOf } from "../clusters/material.ts";
import {
  createExecCredentials,
  type ExecCredentials,
  type ExecPolicy,
} from "../exec/exec-credentials.ts";
import type { ClusterLive } from "../objects/table.ts";
import {
  type ClusterTransports,
  type ClusterTransportsOptions,
  createClusterTransports,
} from "./cluster-transports.ts";
import { createLatencies, type Latencies } from "./latencies.ts";
import { createReachability, type Reachability } from "./reachability.ts";

export interface ClusterWaysOptions extends Omit<ClusterTransportsOptions, "reachability"> {
  /** What Secrets of type Dynamic may ask for. Defaults to nothing. */
  readonly execPolicy?: ExecPolicy;
  readonly log: Logger;
}

/** All that is kept for the ways to clusters, for as long as there is such a cluster. */
export interface ClusterWays {
  readonly transports: ClusterTransports;
  readonly reachability: Reachability;
  readonly latencies: Latencies;
  readonly execCredentials: ExecCredentials;
  readonly live: ClusterLive;
}

const noExec: ExecPolicy = { allowedCommands: [], allowedVariables: [] };

/** Makes empty ones, which follow the store. */
export function createClusterWays(
  options: ClusterWaysOptions,
  clusters: Pick<ClusterStore, "find" | "onChange">,
): ClusterWays {
  const { execPolicy: policy = noExec, log } = options;
  const reachability = createReachability({ log });
  const transports = createClusterTransports({ ...options, reachability });
  const latencies = createLatencies();
  const execCredentials = createExecCredentials({ policy, log });
  clusters.onChange((name, cluster) => {
    if (cluster !== undefined) return;
    transports.close(name);
    latencies.forget(name);
    execCredentials.forget(name);
  });
  const live = liveView(clusters, transports, latencies);
  return { transports, reachability, latencies, execCredentials, live };
}

function liveView(
  clusters: Pick<ClusterStore, "find">,
  transports: ClusterTransports,
  latencies: Latencies,
): ClusterLive {
  const clusterOf = (name: string) => {
    const found = clusters.find(name);
    return found.kind === "ready" ? found.cluster : undefined;
  };
  return {
    tunnels(name) {
      const cluster = clusterOf(name);
      return cluster && transports.tunnels(cluster);
    },
    latencyMs: (name) => latencies.of(name),
    credentialExpiry(name) {
      const credential = clusterOf(name)?.credential;
      return credential === undefined || credential.kind === "exec"
        ? undefined
        : expiryOf(credential);
    },
  };
}
