import { fileURLToPath } from "node:url";
import { ChildProgram, findFreePorts, waitFor } from "#bed";
import { agentNamespace, clusterName, type TokenBed } from "./token-bed.ts";

const program = fileURLToPath(new URL("../../cmd/agent.ts", import.meta.url));

/** For integration tests: `agent tokens` as a process of its own, as in a pod of that name. */
export class AgentProgram implements AsyncDisposable {
  readonly #bed: TokenBed;
  readonly #pod: string;
  readonly #health: string;
  readonly #scrape: string;
  #child: ChildProgram;

  private constructor(bed: TokenBed, pod: string, [health = 0, scrape = 0]: readonly number[]) {
    this.#bed = bed;
    this.#pod = pod;
    this.#health = `127.0.0.1:${health}`;
    this.#scrape = `127.0.0.1:${scrape}`;
    this.#child = this.#start();
  }

  static async start(bed: TokenBed, pod: string): Promise<AgentProgram> {
    return new AgentProgram(bed, pod, await findFreePorts(2));
  }

  /** Starts it again, as the kubelet does. */
  restart(): void {
    this.#child = this.#start();
  }

  /** Does so only when it has ended by itself, as one that has lost its Lease does. */
  restartIfEnded(): void {
    if (this.#child.hasEnded) this.restart();
  }

  get output(): string {
    return this.#child.output;
  }

  get isLeading(): boolean {
    return this.output.includes('"message":"Leading"');
  }

  async metrics(): Promise<string> {
    return (await fetch(`http://${this.#scrape}/metrics`)).text();
  }

  async ready(): Promise<void> {
    await waitFor(`readiness of ${this.#pod}`, async () => {
      this.#child.throwIfEnded();
      return (await fetch(`http://${this.#health}/readyz`)).ok;
    });
  }

  async stop(signal: NodeJS.Signals): Promise<number | null> {
    return this.#child.stop(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
  }

  #start(): ChildProgram {
    const flags = [
      `--cluster-name=${clusterName}`,
      `--spoke-kubeconfig=${this.#bed.kubeconfigs.managed}`,
      "--lease-health-check=true",
      "--leader-elect=true",
      `--health-probe-bind-address=${this.#health}`,
      `--metrics-bind-address=${this.#scrape}`,
    ];
    const env = {
      NAMESPACE: agentNamespace,
      POD_NAME: this.#pod,
      HUB_KUBECONFIG: this.#bed.kubeconfigs.hub,
    };
    return ChildProgram.start([program, "tokens", ...flags], env);
  }
}
