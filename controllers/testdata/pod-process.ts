import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChildProgram, type ProcessCluster } from "#bed";

interface Pod {
  readonly containers: readonly [
    {
      readonly args: readonly string[];
      readonly env?: readonly { readonly name: string; readonly value?: string }[];
      readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
    },
  ];
  readonly volumes: readonly {
    readonly name: string;
    readonly secret?: { readonly secretName: string };
    readonly configMap?: { readonly name: string };
  }[];
}

/** A directory in place of the mounts of a Deployment's pod, and what runs with it. */
export class PodProcess implements AsyncDisposable {
  readonly directory: string;
  readonly #cluster: ProcessCluster;
  readonly #namespace: string;
  readonly #pod: Pod;
  readonly #programs: ChildProgram[] = [];

  private constructor(
    cluster: ProcessCluster,
    namespace: string,
    pod: Pod,
    directory: string,
  ) {
    this.#cluster = cluster;
    this.#namespace = namespace;
    this.#pod = pod;
    this.directory = directory;
  }

  /** No kubelet runs on a process cluster, so this does what one would with the pod's Secrets. */
  static async of(cluster: ProcessCluster, namespace: string, deployment: string): Promise<PodProcess> {
    const spec = await cluster.kubectl([
      "get",
      "deployment",
      deployment,
      `--namespace=${namespace}`,
      "--output=jsonpath={.spec.template.spec}",
    ]);
    const directory = await mkdtemp(join(tmpdir(), "spokeway-pod-"));
    const pod = new PodProcess(cluster, namespace, JSON.parse(spec) as Pod, directory);
    await pod.mount();
    return pod;
  }

  /** Writes Secrets and ConfigMaps as they are now. One that is missing is left out. */
  async mount(): Promise<void> {
    const [{ volumeMounts }] = this.#pod.containers;
    for (const { name, mountPath } of volumeMounts) {
      const volume = this.#pod.volumes.find((entry) => entry.name === name);
      const directory = join(this.directory, mountPath);
      await mkdir(directory, { recursive: true });
      const secret = await this.#dataOf("secret", volume?.secret?.secretName);
      for (const [key, value] of secret) {
        await writeFile(join(directory, key), Buffer.from(value, "base64"));
      }
      const configMap = await this.#dataOf("configmap", volume?.configMap?.name);
      for (const [key, value] of configMap) await writeFile(join(directory, key), value);
    }
  }

  /** Changes a mounted file, wherever it is mounted; what is mounted later is as it comes. */
  async rewrite(file: string, change: (text: string) => string): Promise<void> {
    for (const { mountPath } of this.#pod.containers[0].volumeMounts) {
      const path = join(this.directory, mountPath, file);
      const text = await readFile(path, "utf8").catch(() => undefined);
      if (text !== undefined) await writeFile(path, change(text));
    }
  }

  async #dataOf(
    kind: "secret" | "configmap",
    name: string | undefined,
  ): Promise<readonly (readonly [key: string, value: string])[]> {
    if (name === undefined) return [];
    const text = await this.#cluster.kubectl([
      "get",
      kind,
      name,
      `--namespace=${this.#namespace}`,
      "--ignore-not-found",
      "--output=jsonpath={.data}",
    ]);
    return Object.entries(JSON.parse(text || "{}") as Record<string, string>);
  }

  /** Starts the pod's program from these sources, with further flags. */
  start(flags: readonly string[]): ChildProgram {
    const given = this.#pod.containers[0].args.map((argument) =>
      argument
        .replace(/^\/app\/(.*)\.mjs$/, "cmd/$1.ts")
        .replace(/(?<==)\/.*$/, (path) => this.#mounted(path)),
    );
    const env = { PATH: "/usr/bin:/bin", ...this.#environment() };
    const started = ChildProgram.start([...given, ...flags], env);
    this.#programs.push(started);
    return started;
  }

  /** What the container is told by its environment; what it asks for of its pod is the namespace here. */
  #environment(): Record<string, string> {
    const entries = this.#pod.containers[0].env ?? [];
    return Object.fromEntries(
      entries.map(({ name, value }) => [
        name,
        value === undefined ? this.#namespace : this.#mounted(value),
      ]),
    );
  }

  /** Paths below a mount are elsewhere here. */
  #mounted(path: string): string {
    const mounts = this.#pod.containers[0].volumeMounts;
    const isBelow = mounts.some(({ mountPath }) => path.startsWith(`${mountPath}/`));
    return isBelow ? `${this.directory}${path}` : path;
  }

  /** All that it has logged. */
  get log(): string {
    return this.#programs.map(({ output }) => output).join("");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs) await program[Symbol.asyncDispose]();
    await rm(this.directory, { recursive: true, force: true });
  }
}
