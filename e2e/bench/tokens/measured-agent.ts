import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { agentNamespace, clusterName, type TokenBed } from "../../../agent/tokens/token-bed.ts";
import {
  agentEnvironment,
  agentNodeFlags,
} from "../../../controllers/managed-serviceaccount/agent-manifests.ts";
import { bundlePrograms } from "../../../tools/bundle.ts";
import { ChildProgram, findFreePorts, waitFor } from "../../bed/index.ts";

const ticksPerSecond = 100;

/** Memory of a process, in MB (2^20 bytes). */
export interface Memory {
  readonly resident: number;
  /** The most it was since it started. */
  readonly peak: number;
}

/** The process `agent tokens`, bundled and run as images do. */
export class MeasuredAgent implements AsyncDisposable {
  readonly #child: ChildProgram;

  private constructor(child: ChildProgram) {
    this.#child = child;
  }

  /** Bundles the programs into `directory` and starts the agent on the bed; it is ready then. */
  static async start(bed: TokenBed, directory: string): Promise<MeasuredAgent> {
    await bundlePrograms("cmd", directory);
    const [port] = await findFreePorts(1);
    const health = `127.0.0.1:${port}`;
    const flags = [
      `--cluster-name=${clusterName}`,
      `--spoke-kubeconfig=${bed.kubeconfigs.managed}`,
      "--lease-health-check=true",
      `--health-probe-bind-address=${health}`,
      "--metrics-bind-address=0",
    ];
    const program = [...agentNodeFlags, join(directory, "agent.mjs"), "tokens"];
    const child = ChildProgram.start([...program, ...flags], {
      NAMESPACE: agentNamespace,
      HUB_KUBECONFIG: bed.kubeconfigs.hub,
      ...Object.fromEntries(agentEnvironment.map(({ name, value }) => [name, value])),
      // As the image has it.
      NODE_OPTIONS: "--enable-source-maps",
    });
    await waitFor("the agent", async () => {
      child.throwIfEnded();
      return (await fetch(`http://${health}/readyz`)).ok;
    });
    return new MeasuredAgent(child);
  }

  async memory(): Promise<Memory> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, "utf8");
    const megabytes = (field: string): number =>
      Number(new RegExp(`^${field}:\\s+(\\d+)`, "mu").exec(status)?.[1]) / 1024;
    return { resident: megabytes("VmRSS"), peak: megabytes("VmHWM") };
  }

  /** Seconds of CPU that it has used. */
  async cpuSeconds(): Promise<number> {
    const stat = await readFile(`/proc/${this.#child.pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stop();
  }
}
