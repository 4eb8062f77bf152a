import { existsSync } from "node:fs";
import { join } from "node:path";
import { BedError } from "./bed-error.ts";
import { runCommand, tryCommand } from "./command.ts";
import { at, findCondition } from "./conditions.ts";
import type { FullBed } from "./full/full-bed.ts";
import type { FullCluster } from "./full/full-cluster.ts";
import { ocmNames } from "./ocm/names.ts";
import type { Progress } from "./progress.ts";
import { waitFor } from "./wait.ts";

/** One `helm install` of the walk-through. */
interface AddonRelease {
  readonly release: string;
  readonly chart: string;
  /** The addon that it brings to every managed cluster. */
  readonly addon: string;
  readonly flags: readonly string[];
}

const releases: readonly AddonRelease[] = [
  { release: "cluster-proxy", chart: "cluster-proxy", addon: "cluster-proxy", flags: [] },
  {
    release: "managed-serviceaccount",
    chart: "managed-serviceaccount",
    addon: "managed-serviceaccount",
    flags: [],
  },
  {
    release: "cluster-gateway",
    chart: "cluster-gateway-addon-manager",
    addon: "cluster-gateway",
    flags: ["--set", "manualSecretManagement=false", "--set", "konnectivityEgress=true"],
  },
];

const repository = join(import.meta.dirname, "..", "..");
const availableLimitMs = 180_000;

/** The three commands, as a person types them at the top of the checkout. */
export function installCommands(): readonly string[] {
  return releases.map(({ release, chart, flags }) =>
    ["helm", "-n", ocmNames.addonNamespace, "install", release, `helm/${chart}`, ...flags].join(
      " ",
    ),
  );
}

/** Installs the three charts where they are not, and waits until their addons are available. */
export async function installAddons(bed: FullBed, progress: Progress): Promise<void> {
  const absent = releases.filter(
    ({ chart }) => !existsSync(join(repository, "helm", chart, "Chart.yaml")),
  );
  if (absent.length > 0) {
    const names = absent.map(({ chart }) => `helm/${chart}`).join(", ");
    progress.say(`no addon is installed: this checkout has no ${names}`);
    return;
  }
  for (const release of releases) await installRelease(bed, release, progress);
  await progress.step("addons available", async () => {
    await Promise.all(bed.managed.map(async (cluster) => waitForAddons(bed.hub, cluster)));
  });
}

async function installRelease(
  bed: FullBed,
  { release, chart, flags }: AddonRelease,
  progress: Progress,
): Promise<void> {
  const helm = [bed.tools.path("helm"), "-n", ocmNames.addonNamespace];
  const options = { cwd: repository, env: helmEnvironment(bed) };
  const { code } = await tryCommand([...helm, "status", release], options);
  if (code === 0) {
    progress.say(`${release}: installed already`);
    return;
  }
  await runCommand([...helm, "install", release, `helm/${chart}`, ...flags], options);
  progress.say(`${release}: installed`);
}

/** Helm keeps its files with the bed and not in somebody's home. */
function helmEnvironment({ files, hub }: FullBed): Readonly<Record<string, string>> {
  const home = join(files.root, "helm");
  return {
    KUBECONFIG: hub.kubeconfig,
    HELM_CACHE_HOME: join(home, "cache"),
    HELM_CONFIG_HOME: join(home, "config"),
    HELM_DATA_HOME: join(home, "data"),
  };
}

async function waitForAddons(hub: FullCluster, cluster: FullCluster): Promise<void> {
  const namespace = cluster.plan.name;
  const options = { limitMs: availableLimitMs, everyMs: 500 };
  try {
    await waitFor(
      `the addons of ${namespace} to be available`,
      async () => (await describeUnavailable(hub, namespace)).length === 0,
      options,
    );
  } catch (error) {
    const unavailable = await describeUnavailable(hub, namespace);
    const message = error instanceof Error ? error.message : String(error);
    throw new BedError("timeout", `${message}: ${unavailable.join("; ")}`, { cause: error });
  }
}

/** The addons of one cluster that are not available, each with what it says about that. */
async function describeUnavailable(
  hub: FullCluster,
  namespace: string,
): Promise<readonly string[]> {
  const group = "/apis/addon.open-cluster-management.io/v1alpha1";
  const addons = `${group}/namespaces/${namespace}/managedclusteraddons`;
  const found = await Promise.all(
    releases.map(async ({ addon }) => ({
      addon,
      object: await hub.api.find(`${addons}/${addon}`),
    })),
  );
  return found.flatMap(({ addon, object }) => {
    if (object === undefined) return [`${addon} does not exist`];
    const condition = findCondition(object, "Available");
    if (at(condition, "status") === "True") return [];
    const message = at(condition, "message");
    return [`${addon}: ${typeof message === "string" ? message : "it says nothing yet"}`];
  });
}
