import { kubectl } from "../cluster-handle.ts";
import type { FullBed } from "./full-bed.ts";
import { machineCgroup } from "./layout.ts";
import { findSupervisors } from "./machine.ts";
import { listProcesses } from "./processes.ts";

/** What runs, for a person: the programs of every machine, then its nodes and pods. */
export async function describeBed(bed: FullBed): Promise<string> {
  const processes = await listProcesses();
  const parts: string[] = [];
  for (const cluster of [bed.hub, ...bed.managed]) {
    const { name } = cluster.plan;
    const programs = [...findSupervisors(processes, machineCgroup(name)).keys()].toSorted();
    const pods = await kubectl(cluster, ["get", "nodes,pods", "-A", "-o", "wide"]);
    parts.push(`== ${name}: ${cluster.kubeconfig}\n${programs.join(" ")}\n\n${pods}\n`);
    cluster.api.close();
  }
  return parts.join("");
}
