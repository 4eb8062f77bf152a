import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { BedError, type ProcessCluster, startOcm, startProcessCluster, waitFor } from "#bed";
import { findFreePorts } from "../../e2e/bed/process/ports.ts";
import { at, find, Helm } from "./helm.ts";

/** Runs the controllers as the charts do: with the chart's arguments, and no right but the chart's. */
const namespace = "open-cluster-management-addon";
const repository = join(import.meta.dirname, "..", "..");
const releases = [
  { addon: "cluster-proxy", chart: "cluster-proxy", flags: [] },
  { addon: "managed-serviceaccount", chart: "managed-serviceaccount", flags: [] },
  {
    addon: "cluster-gateway",
    chart: "cluster-gateway-addon-manager",
    flags: ["--set=manualSecretManagement=false", "--set=konnectivityEgress=true"],
  },
] as const;
type Release = (typeof releases)[number];

let helm: Helm;
let hub: ProcessCluster;
let managed: ProcessCluster;
const children: ChildProcess[] = [];

function logOf({ addon }: Release): string {
  return join(hub.directory, `controller-${addon}.log`);
}

/** A kubeconfig of the controller's ServiceAccount, with a real token. */
async function accountKubeconfig({ addon }: Release): Promise<string> {
  const account = `${addon}-addon-manager`;
  const token = await hub.kubectl(["-n", namespace, "create", "token", account]);
  const ca = (await readFile(hub.caPath)).toString("base64");
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "x",
    contexts: [{ name: "x", context: { cluster: "x", user: "x" } }],
    clusters: [{ name: "x", cluster: { server: hub.server, "certificate-authority-data": ca } }],
    users: [{ name: "x", user: { token: token.trim() } }],
  };
  const path = join(hub.directory, `controller-${addon}.kubeconfig`);
  await writeFile(path, JSON.stringify(config), { mode: 0o600 });
  return path;
}

/** Waits like `waitFor`, but not for a controller that has ended. */
async function eventually(what: string, probe: () => Promise<boolean>): Promise<void> {
  await waitFor(
    what,
    async () => {
      const ended = children.find(({ exitCode, signalCode }) => (exitCode ?? signalCode) !== null);
      if (ended !== undefined) throw new BedError("ended", await lastWords());
      return probe();
    },
    { limitMs: 90_000, everyMs: 250 },
  );
}

async function lastWords(): Promise<string> {
  const logs = await Promise.all(releases.map(async (one) => readFile(logOf(one), "utf8")));
  return logs.map((log) => log.split("\n").slice(-3).join("\n")).join("\n");
}

/** The controller's arguments in the chart, on ports of their own: all run on one machine here. */
async function argumentsOf({ addon, chart, flags }: Release): Promise<readonly string[]> {
  const objects = await helm.render(chart, `--namespace=${namespace}`, ...flags);
  const deployment = find(objects, "Deployment", `${addon}-addon-manager`);
  const args = at(deployment, "spec", "template", "spec", "containers", 0, "args") as string[];
  const ports = [...(await findFreePorts(2))];
  return args
    .slice(1)
    .map((arg) => arg.replace(/(?<=-bind-address=):\d+$/, () => `127.0.0.1:${ports.pop()}`));
}

async function startController(release: Release): Promise<void> {
  const args = await argumentsOf(release);
  const kubeconfig = `--kubeconfig=${await accountKubeconfig(release)}`;
  const child = spawn(process.execPath, ["cmd/controller.ts", ...args, kubeconfig], {
    cwd: repository,
    env: { POD_NAMESPACE: namespace, POD_NAME: `${release.addon}-0` },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log = createWriteStream(logOf(release));
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  children.push(child);
}

async function stopControllers(): Promise<void> {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
}

async function names(...args: readonly string[]): Promise<readonly string[]> {
  const output = await hub.kubectl(["get", "--ignore-not-found", "-o=name", ...args]);
  return output.split("\n").filter((line) => line !== "");
}

const limits = { timeout: 300_000 };

for (const versions of ["v1alpha1-and-v1beta1", "v1alpha1"] as const) {
  describe(`the controllers with the rights of their charts, addon ${versions}`, limits, () => {
    before(
      async () => {
        helm = await Helm.open();
        hub = await startProcessCluster({ name: "hub", controllerManager: true });
        managed = await startProcessCluster({ name: "managed1", controllerManager: true });
        await startOcm(hub, [managed], { addonVersions: versions });
        for (const { addon, chart, flags } of releases) {
          await helm.run(["-n", namespace, "install", addon, chart, ...flags], hub.kubeconfig);
        }
        for (const release of releases) await startController(release);
      },
      { timeout: 180_000 },
    );
    after(async () => {
      await stopControllers();
      await managed[Symbol.asyncDispose]();
      await hub[Symbol.asyncDispose]();
      await helm[Symbol.asyncDispose]();
    });

    for (const release of releases) {
      it(`register ${release.addon} for the cluster`, async () => {
        await eventually(`${release.addon} to be registered`, async () => {
          const addon = ["-n", "managed1", "get", "managedclusteraddon", release.addon];
          const reason =
            "-o=jsonpath={.status.conditions[?(@.type=='RegistrationApplied')].status}";
          return (await hub.kubectl([...addon, "--ignore-not-found", reason])) === "True";
        });
      });
    }

    it("make the tunnel server, its certificates and the way to it", async () => {
      await eventually("the tunnel server", async () => {
        const found = await names("-n", namespace, "deployment,service,secret,role");
        return [
          "deployment.apps/cluster-proxy",
          "service/proxy-entrypoint",
          "secret/cluster-proxy-signer",
          "secret/cluster-proxy-frontend-signer",
          "secret/proxy-server",
          "secret/proxy-client",
          "role.rbac.authorization.k8s.io/cluster-proxy-addon-agent:portforward",
        ].every((name) => found.includes(name));
      });
    });

    it("let tunnel servers keep their own Leases, and no others of the namespace", async () => {
      const prefix = "konnectivity-proxy-server-";
      const lease = (name: string) =>
        JSON.stringify({
          apiVersion: "coordination.k8s.io/v1",
          kind: "Lease",
          metadata: { name, namespace },
        });
      const asServer = async (args: readonly string[], input = "") => {
        const user = `--as=system:serviceaccount:${namespace}:cluster-proxy`;
        const flags = ["-n", namespace, "--dry-run=server", user];
        return hub.kubectl([...args, ...flags], input).catch(String);
      };
      for (const name of ["election", `${prefix}one`]) await hub.apply(lease(name));
      // The role comes from the controller, and the hub takes a moment to follow a policy.
      const see = async (name: string, other: string, expected: RegExp) =>
        eventually(`${expected} for ${name}`, async () => {
          const deleted = await asServer(["delete", "--wait=false", "lease", name]);
          const created = await asServer(["create", "-f", "-"], lease(other));
          if (expected.test(deleted) && expected.test(created)) return true;
          throw new Error(deleted + created);
        });
      await see(`${prefix}one`, `${prefix}two`, /konnectivity-\S+ (deleted|created)/);
      await see("election", "other", /tunnel servers keep Leases named konnectivity-/);
    });

    it("bring the agents to the cluster, which gets its certificates", async () => {
      await eventually("the agents' Deployments", async () => {
        const found = await managed.kubectl(["get", "deployments", "-A", "-o=name"]);
        return /cluster-proxy-proxy-agent/.test(found) && /managed-serviceaccount/.test(found);
      });
      await eventually("the agents' credentials", async () => {
        const found = await managed.kubectl(["get", "secrets", "-A", "-o=name"]);
        return (
          /cluster-proxy-hub-kubeconfig/.test(found) &&
          /proxy-agent-signer-client-cert/.test(found) &&
          /managed-serviceaccount-hub-kubeconfig/.test(found)
        );
      });
    });

    it("ask for the gateway's account, and make the gateway", async () => {
      await eventually("the gateway", async () => {
        const found = await names("-A", "managedserviceaccounts,deployments");
        return (
          found.some((name) => name.endsWith("/cluster-gateway")) &&
          found.includes("deployment.apps/gateway-deployment")
        );
      });
    });

    it("are forbidden nothing that they try", async () => {
      for (const release of releases) {
        const log = await readFile(logOf(release), "utf8");
        assert.doesNotMatch(log, /forbidden/i, `controller of ${release.addon}`);
      }
    });

    it("leave nothing when the charts go", async () => {
      for (const { addon } of releases) {
        await helm.run(["-n", namespace, "uninstall", addon], hub.kubeconfig);
      }
      await stopControllers();
      await eventually("nothing to be left", async () => {
        const left = await names(
          "-A",
          "managedclusteraddons,manifestworks,managedclustersetbindings",
        );
        const here = await names("-n", namespace, "deployments,services,secrets");
        return left.length === 0 && here.length === 0;
      });
    });
  });
}
