import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CommandResult, findTools, type ProcessCluster, tryCommand } from "#bed";
import { bundleForPeople } from "../../../../tools/bundle.ts";

/** The cluster of an access provider, as a kubeconfig has it. */
export type AccessCluster = Readonly<Record<string, unknown>>;

/**
 * Somebody of one namespace of the hub who may read the Secrets there, and has kubectl and cp-creds:
 * the one file that `make cp-creds` builds, away from the sources.
 */
export class Consumer implements AsyncDisposable {
  readonly #directory: string;
  readonly #kubectl: string;
  readonly #hubKubeconfig: string;

  private constructor(directory: string, kubectl: string, hubKubeconfig: string) {
    this.#directory = directory;
    this.#kubectl = kubectl;
    this.#hubKubeconfig = hubKubeconfig;
  }

  static async of(hub: ProcessCluster, namespace: string): Promise<Consumer> {
    const directory = await mkdtemp(join(tmpdir(), "spokeway-consumer-"));
    const source = join(import.meta.dirname, "..", "..", "..", "..", "cmd", "cp-creds.ts");
    await bundleForPeople(source, join(directory, "cp-creds"));
    const hubKubeconfig = join(directory, "hub.kubeconfig");
    await copyFile(await hub.kubeconfigFor("consumer"), hubKubeconfig);
    const role = ["create", "role", "consumer", "--verb=get", "--resource=secrets"];
    await hub.kubectl([...role, `--namespace=${namespace}`]);
    const binding = ["create", "rolebinding", "consumer", "--role=consumer", "--user=consumer"];
    await hub.kubectl([...binding, `--namespace=${namespace}`]);
    return new Consumer(directory, (await findTools(["kubernetes"])).path("kubectl"), hubKubeconfig);
  }

  /** Runs kubectl with a kubeconfig that is made from the access provider's cluster and a plugin. */
  async kubectl(
    cluster: AccessCluster,
    pluginFlags: readonly string[],
    args: readonly string[],
  ): Promise<CommandResult> {
    const kubeconfig = await this.kubeconfig(cluster, pluginFlags);
    return tryCommand([this.#kubectl, ...args], { env: this.#environment({ KUBECONFIG: kubeconfig }) });
  }

  /** Writes such a kubeconfig; the hub's is named to the plugin unless its flags do. */
  async kubeconfig(cluster: AccessCluster, pluginFlags: readonly string[]): Promise<string> {
    const exec = {
      apiVersion: "client.authentication.k8s.io/v1",
      command: join(this.#directory, "cp-creds"),
      args: pluginFlags.map((flag) => flag.replace("HUB", this.#hubKubeconfig)),
      provideClusterInfo: true,
      interactiveMode: "Never",
    };
    const path = join(this.#directory, "managed.kubeconfig");
    const name = "managed1";
    const config = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name, cluster }],
      users: [{ name, user: { exec } }],
      contexts: [{ name, context: { cluster: name, user: name } }],
      "current-context": name,
    };
    await writeFile(path, JSON.stringify(config));
    return path;
  }

  /** Runs the plugin alone, as client-go would. */
  async plugin(cluster: AccessCluster, flags: readonly string[]): Promise<CommandResult> {
    const { extensions, ...rest } = cluster as {
      extensions: readonly { name: string; extension: unknown }[];
    };
    const config = extensions.find(({ name }) => name === "client.authentication.k8s.io/exec");
    const info = {
      apiVersion: "client.authentication.k8s.io/v1",
      kind: "ExecCredential",
      spec: { interactive: false, cluster: { ...rest, config: config?.extension } },
    };
    const env = this.#environment({
      KUBECONFIG: this.#hubKubeconfig,
      KUBERNETES_EXEC_INFO: JSON.stringify(info),
    });
    return tryCommand([join(this.#directory, "cp-creds"), ...flags], { env });
  }

  #environment(more: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    return { HOME: this.#directory, NODE_OPTIONS: "", ...more };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** A kubeconfig with a token of a ServiceAccount, as a pod would have it. */
export async function podKubeconfig(
  cluster: ProcessCluster,
  namespace: string,
  account: string,
): Promise<string> {
  const token = await cluster.kubectl(["create", "token", account, `--namespace=${namespace}`]);
  const name = "pod";
  const authority = (await readFile(cluster.caPath)).toString("base64");
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name, cluster: { server: cluster.server, "certificate-authority-data": authority } },
    ],
    users: [{ name, user: { token: token.trim() } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace } }],
    "current-context": name,
  };
  const path = join(cluster.directory, `${account}.kubeconfig`);
  await writeFile(path, JSON.stringify(config), { mode: 0o600 });
  return path;
}
