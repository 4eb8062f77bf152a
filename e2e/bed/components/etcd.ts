import { join } from "node:path";
import type { ClusterPlan, Program } from "../cluster-plan.ts";
import type { Tools } from "../toolchain.ts";

/** The store of one cluster. What it holds is worth nothing after the bed, so it never syncs. */
export function etcd(plan: ClusterPlan, tools: Tools): Program {
  const client = `http://127.0.0.1:${plan.addresses.etcdClientPort}`;
  const peer = `http://127.0.0.1:${plan.addresses.etcdPeerPort}`;
  return {
    name: "etcd",
    argv: [
      tools.path("etcd"),
      `--name=${plan.name}`,
      `--data-dir=${join(plan.directory, "etcd")}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=${plan.name}=${peer}`,
      "--unsafe-no-fsync",
      "--log-level=warn",
    ],
  };
}
