import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { FullClusterPlan } from "./addresses.ts";
import { createCgroup } from "./cgroups.ts";
import {
  type BedFiles,
  forwardCgroup,
  machineNamespace,
  namespacePath,
  runDirectory,
} from "./layout.ts";
import { startOutside } from "./machine.ts";

/**
 * Leads a port of this host's loopback to the API server of a cluster. A socket file crosses
 * network namespaces, so that neither side gets an interface or a rule for it.
 */
export async function startForward(plan: FullClusterPlan, files: BedFiles): Promise<void> {
  const socket = join(runDirectory, `${plan.name}.sock`);
  const log = join(files.logs(plan.name), "forward.log");
  await mkdir(runDirectory, { recursive: true });
  await createCgroup(forwardCgroup);
  const inside = namespacePath(machineNamespace(plan.name));
  const target = `TCP:127.0.0.1:${plan.addresses.apiServerPort}`;
  startOutside(
    forwardCgroup,
    {
      name: `${plan.name}-inside`,
      argv: [
        "nsenter",
        `--net=${inside}`,
        "socat",
        `UNIX-LISTEN:${socket},fork,unlink-early,mode=600`,
        target,
      ],
    },
    log,
  );
  startOutside(
    forwardCgroup,
    {
      name: `${plan.name}-outside`,
      argv: [
        "socat",
        `TCP-LISTEN:${plan.outsidePort},bind=127.0.0.1,fork,reuseaddr`,
        `UNIX-CONNECT:${socket}`,
      ],
    },
    log,
  );
}
