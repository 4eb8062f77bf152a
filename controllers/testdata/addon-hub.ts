import { spawn } from "node:child_process";
import { copyFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type AddonVersions, type ProcessCluster, startOcm, startProcessCluster, waitFor } from "#bed";
import { makeAccount } from "../../e2e/bed/ocm/account.ts";
import { Helm } from "../../helm/tests/helm.ts";
import { KeptProcess } from "./kept-process.ts";

export const addonNamespace = "open-cluster-management-addon";

/** The three charts, as the walk-through installs them, and what else their controllers are told. */
const releases = {
  "cluster-proxy": { chart: ["cluster-proxy"], flags: ["--authority-overlap=20s"] },
  "managed-serviceaccount": {
    chart: ["managed-serviceaccount"],
    flags: ["--agent-image=agent:v1"],
  },
  "cluster-gateway": {
    chart: [
      "cluster-gateway-addon-manager",
      "--set=manualSecretManagement=false",
      "--set=konnectivityEgress=true",
    ],
    flags: [],
  },
} as const;
export type Release = keyof typeof releases;
export const releaseNames = Object.keys(releases) as readonly Release[];

/** What a test gives beside what all of them do. */
export interface Settings {
  /** `name=value`, or whole flags of helm. */
  readonly values?: readonly string[];
  readonly given?: readonly string[];
}

export interface HubOptions {
  readonly clusterProfiles?: boolean;
  /** Further flags of the API servers. */
  readonly hubFlags?: readonly string[];
  readonly managedFlags?: readonly string[];
}

/**
 * A hub and a managed cluster under real OCM. No kubelet runs there, so the charts' controllers
 * are started from these sources, each with the rights that its chart gives it and no others.
 */
export class AddonHub implements AsyncDisposable {
  readonly hub: ProcessCluster;
  readonly managed: ProcessCluster;
  readonly #helm: Helm;
  readonly #controllers = new Map<Release, KeptProcess>();

  private constructor(hub: ProcessCluster, managed: ProcessCluster, helm: Helm) {
    this.hub = hub;
    this.managed = managed;
    this.#helm = helm;
  }

  static async start(
    addonVersions: AddonVersions,
    { hubFlags = [], managedFlags = [], ...ocm }: HubOptions = {},
  ): Promise<AddonHub> {
    const helm = await Helm.open();
    await using started = new AsyncDisposableStack();
    started.use(helm);
    const hub = started.use(await startProcessCluster({
      name: "hub",
      controllerManager: true,
      apiServer: { flags: hubFlags },
    }));
    const managed = started.use(await startProcessCluster({
      name: "managed1",
      controllerManager: true,
      apiServer: { flags: managedFlags },
    }));
    await startOcm(hub, [managed], { addonVersions, ...ocm });
    started.move();
    return new AddonHub(hub, managed, helm);
  }

  /** `values` go to the chart, `given` to its controller, in place of what its Deployment says. */
  async install(release: Release, settings: Settings = {}): Promise<void> {
    await this.#helmWith("install", release, settings);
    await this.#startController(release, settings);
  }

  /** The same for a release that is there: its controller is another process afterwards. */
  async upgrade(release: Release, settings: Settings = {}): Promise<void> {
    await this.#helmWith("upgrade", release, settings);
    await this.#stop(release);
    await this.#startController(release, settings);
  }

  async #helmWith(verb: string, release: Release, { values = [] }: Settings): Promise<void> {
    const flags = values.map((value) => (value.startsWith("-") ? value : `--set=${value}`));
    await this.#run(verb, release, ...releases[release].chart, ...flags);
  }

  /** Another controller beside the one that runs, as with `replicas=2`. */
  async addStandby(release: Release, settings: Settings = {}): Promise<void> {
    const leader = this.#controllers.get(release);
    await this.#startController(release, settings);
    if (leader !== undefined) this.#leaders.push(leader);
  }

  /** Ends those that were there before the last one was added, as a failing node would. */
  async killLeaders(): Promise<void> {
    for (const leader of this.#leaders.splice(0)) await leader.end("SIGKILL");
  }

  async #startController(release: Release, { given = [] }: Settings): Promise<void> {
    // Of its own, so that an audit log can tell it from others with the same rights.
    const common = await makeAccount(this.hub, addonNamespace, `${release}-addon-manager`);
    this.#started += 1;
    const kubeconfig = `${common}.${this.#started}`;
    await copyFile(common, kubeconfig);
    const argv = [
      "cmd/controller.ts",
      `--addons=${release}`,
      `--kubeconfig=${kubeconfig}`,
      "--leader-elect=true",
      "--health-probe-bind-address=0",
      "--metrics-bind-address=0",
      ...releases[release].flags,
      ...given,
    ];
    const env = { PATH: "/usr/bin:/bin", POD_NAMESPACE: addonNamespace };
    const start = () => {
      const child = spawn(process.execPath, argv, { env, stdio: ["ignore", "pipe", "inherit"] });
      child.stdout.setEncoding("utf8").on("data", (text: string) => this.#log.push(text));
      return child;
    };
    this.#controllers.set(release, new KeptProcess(start));
  }

  #started = 0;
  readonly #leaders: KeptProcess[] = [];
  readonly #log: string[] = [];

  /** What the controllers have logged. */
  get log(): string {
    return this.#log.join("");
  }

  /** Removes the release; its controller works on for a moment, as a pod does. */
  async uninstall(release: Release): Promise<void> {
    await this.#run("uninstall", release, "--wait=false");
    await sleep(1_000);
    await this.#stop(release);
  }

  /** Says of a Deployment's pods on the hub that they serve: no kubelet does here. */
  async pretendServing(selector: string, namespace: string): Promise<void> {
    const path = `/api/v1/namespaces/${namespace}/pods`;
    const pods = await waitFor(`pods of ${selector}`, async () => {
      const found = await this.hub.api.find(`${path}?labelSelector=${selector}`);
      const { items } = found as { items: readonly { metadata: { name: string } }[] };
      return items.length > 0 && items.map(({ metadata }) => metadata.name);
    });
    const ready = { type: "Ready", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" };
    for (const pod of pods) {
      await this.hub.kubectl([
        "patch",
        "pod",
        pod,
        `--namespace=${namespace}`,
        "--subresource=status",
        "--type=merge",
        `--patch=${JSON.stringify({ status: { phase: "Running", conditions: [ready] } })}`,
      ]);
    }
  }

  /** One field of an object on the hub, empty when there is none. */
  async field(kind: string, name: string, jsonPath: string, namespace?: string): Promise<string> {
    return field(this.hub, kind, name, jsonPath, namespace);
  }

  /** The same on the managed cluster. */
  async managedField(
    kind: string,
    name: string,
    jsonPath: string,
    namespace?: string,
  ): Promise<string> {
    return field(this.managed, kind, name, jsonPath, namespace);
  }

  /** Waits until the field has the value. */
  async untilField(
    want: string,
    ...[kind, name, jsonPath, namespace]: Parameters<AddonHub["field"]>
  ): Promise<void> {
    await waitFor(
      `${jsonPath} of ${kind} ${name} to be "${want}"`,
      async () => (await this.field(kind, name, jsonPath, namespace)) === want,
      { limitMs: 60_000, everyMs: 200 },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.killLeaders();
    await Promise.all([...this.#controllers.keys()].map(async (release) => this.#stop(release)));
    await this.managed[Symbol.asyncDispose]();
    await this.hub[Symbol.asyncDispose]();
    await this.#helm[Symbol.asyncDispose]();
  }

  async #run(...args: readonly string[]): Promise<string> {
    return this.#helm.run(["--namespace", addonNamespace, ...args], this.hub.kubeconfig);
  }

  async #stop(release: Release): Promise<void> {
    const controller = this.#controllers.get(release);
    this.#controllers.delete(release);
    await controller?.end("SIGTERM");
  }
}

async function field(
  cluster: ProcessCluster,
  kind: string,
  name: string,
  jsonPath: string,
  namespace = "default",
): Promise<string> {
  const path = `jsonpath={${jsonPath}}`;
  return cluster.kubectl([
    "get",
    kind,
    name,
    `--namespace=${namespace}`,
    "--ignore-not-found",
    `--output=${path}`,
  ]);
}
