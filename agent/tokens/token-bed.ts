import { generateKeyPairSync } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ManagedServiceAccount, managedServiceAccounts, type Secret, secrets } from "#api";
import { type ProcessCluster, startProcessCluster, waitFor } from "#bed";
import { createKubeClient, ignoreNotFound, type KubeClient } from "#kube";
import { createMetrics, type Metrics, silentLogger } from "#runtime";
import type { TokenAgentOptions } from "./agent-options.ts";
import { createTokenAgent } from "./token-agent.ts";

/** For integration tests: names that the bed of two clusters uses. */
export const clusterName = "c1";
export const agentNamespace = "open-cluster-management-agent-addon";

/** The agent's user on the hub. */
export const agentUser = "addon-agent";
const agentServiceAccount = "managed-serviceaccount";
/** And on the managed cluster. */
export const agentManagedUser = `system:serviceaccount:${agentNamespace}:${agentServiceAccount}`;

/** What the hub controller grants the agent, and no more. */
const hubManifest = `
apiVersion: v1
kind: Namespace
metadata: {name: ${clusterName}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: agent, namespace: ${clusterName}}
rules:
- {apiGroups: [""], resources: [secrets], verbs: [get, list, watch, create, update, patch]}
- {apiGroups: [""], resources: [events], verbs: [create, patch]}
- {apiGroups: [authentication.open-cluster-management.io], resources: [managedserviceaccounts], verbs: [get, list, watch]}
- {apiGroups: [authentication.open-cluster-management.io], resources: [managedserviceaccounts/status], verbs: [get, update, patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: agent, namespace: ${clusterName}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: agent}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: ${agentUser}}]
`;

/** What the agent's manifests grant it on the managed cluster, and no more. */
const managedManifest = `
apiVersion: v1
kind: Namespace
metadata: {name: ${agentNamespace}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: ${agentServiceAccount}, namespace: ${agentNamespace}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: agent}
rules:
- {apiGroups: [authentication.k8s.io], resources: [tokenreviews], verbs: [create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: agent}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: agent}
subjects: [{kind: ServiceAccount, name: ${agentServiceAccount}, namespace: ${agentNamespace}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: agent, namespace: ${agentNamespace}}
rules:
- {apiGroups: [""], resources: [events], verbs: [create]}
- {apiGroups: [""], resources: [serviceaccounts, serviceaccounts/token], verbs: [get, watch, list, create, delete]}
- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, create, update, patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: agent, namespace: ${agentNamespace}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: agent}
subjects: [{kind: ServiceAccount, name: ${agentServiceAccount}, namespace: ${agentNamespace}}]
`;

/** A network that a test can cut and heal. */
export interface Road extends AsyncDisposable {
  readonly port: number;
  cut(): void;
  heal(): void;
}

/** An agent that runs in this process. */
export interface RunningAgent {
  readonly metrics: Metrics;
  ready(): string | undefined;
  stop(): Promise<void>;
}

/** For integration tests: a hub, a managed cluster that shortens tokens to an hour, and agents. */
export class TokenBed implements AsyncDisposable {
  readonly hub: ProcessCluster;
  readonly managed: ProcessCluster;
  readonly hubAdmin: KubeClient;
  readonly managedAdmin: KubeClient;
  /** The network between the agents and the hub. */
  readonly hubRoad: Road;
  /** Kubeconfig paths of the agent's own, limited users. */
  readonly kubeconfigs: { readonly hub: string; readonly managed: string };

  private constructor(
    clusters: Pick<TokenBed, "hub" | "managed" | "hubRoad">,
    admins: Pick<TokenBed, "hubAdmin" | "managedAdmin">,
    kubeconfigs: TokenBed["kubeconfigs"],
  ) {
    this.hub = clusters.hub;
    this.managed = clusters.managed;
    this.hubRoad = clusters.hubRoad;
    this.hubAdmin = admins.hubAdmin;
    this.managedAdmin = admins.managedAdmin;
    this.kubeconfigs = kubeconfigs;
  }

  /** `flags` are further ones of the API servers. */
  static async start(
    startRoad: (port: number) => Promise<Road>,
    flags: Partial<Readonly<Record<"hub" | "managed", readonly string[]>>> = {},
  ): Promise<TokenBed> {
    const crd = new URL("../../manifests/crds/managedserviceaccounts.yaml", import.meta.url);
    const hub = await startProcessCluster({
      name: "hub",
      controllerManager: true,
      manifests: [await readFile(crd, "utf8"), hubManifest],
      apiServer: { flags: flags.hub ?? [] },
    });
    const managed = await startProcessCluster({
      name: "managed",
      controllerManager: true,
      manifests: [managedManifest],
      apiServer: { serviceAccountMaxTokenExpiration: "1h", flags: flags.managed ?? [] },
    });
    const userAgent = "token-test";
    const admins = {
      hubAdmin: await createKubeClient({ kubeconfig: hub.kubeconfig, userAgent }),
      managedAdmin: await createKubeClient({ kubeconfig: managed.kubeconfig, userAgent }),
    };
    const hubRoad = await startRoad(Number(new URL(hub.server).port));
    const bed = new TokenBed({ hub, managed, hubRoad }, admins, {
      hub: await writeHubKubeconfig(hub, hubRoad.port),
      managed: await writeAgentKubeconfig(managed),
    });
    await waitFor("the CRD", async () => Array.isArray(await bed.accounts()));
    return bed;
  }

  async startAgent(overrides: Partial<TokenAgentOptions> = {}): Promise<RunningAgent> {
    const userAgent = "spokeway-agent-tokens";
    const stop = new AbortController();
    const metrics = createMetrics();
    const agent = createTokenAgent({
      hub: await createKubeClient({ kubeconfig: this.kubeconfigs.hub, userAgent }),
      managed: await createKubeClient({ kubeconfig: this.kubeconfigs.managed, userAgent }),
      cluster: clusterName,
      namespace: agentNamespace,
      renewsLease: true,
      electionIdentity: undefined,
      endsEphemeral: false,
      adoptsAny: false,
      permissionPolicy: undefined,
      metrics,
      log: silentLogger,
      ...overrides,
    });
    const running = agent.run(stop.signal).catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
    return {
      metrics,
      ready: agent.ready,
      async stop() {
        stop.abort();
        await running;
      },
    };
  }

  async createAccount(name: string, spec: object = { rotation: {} }): Promise<void> {
    const account = { metadata: { name, namespace: clusterName }, spec };
    await this.hubAdmin.create(managedServiceAccounts, account, soon());
  }

  async accounts(): Promise<readonly ManagedServiceAccount[]> {
    return (await this.hubAdmin.list(managedServiceAccounts, {}, soon())).items;
  }

  async account(name: string): Promise<ManagedServiceAccount> {
    return this.hubAdmin.get(managedServiceAccounts, { name, namespace: clusterName }, soon());
  }

  async secret(name: string): Promise<Secret | undefined> {
    return ignoreNotFound(this.hubAdmin.get(secrets, { name, namespace: clusterName }, soon()));
  }

  /**
   * Takes rules out of the hub's CRD, as it was before they came: pointers into the schema of
   * v1beta1's `spec`. `probe` is a spec that is refused until then.
   */
  async forgetRules(pointers: readonly string[], probe: object): Promise<void> {
    const spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
    const operations = pointers.map((pointer) => ({ op: "remove", path: `${spec}/${pointer}` }));
    const crd = "managedserviceaccounts.authentication.open-cluster-management.io";
    const patch = `--patch=${JSON.stringify(operations)}`;
    await this.hub.kubectl(["patch", "crd", crd, "--type=json", patch]);
    const path = `/apis/authentication.open-cluster-management.io/v1beta1/namespaces/${clusterName}/managedserviceaccounts?dryRun=All`;
    const body = {
      apiVersion: "authentication.open-cluster-management.io/v1beta1",
      kind: "ManagedServiceAccount",
      metadata: { name: "probe" },
      spec: probe,
    };
    await waitFor("the older CRD", async () => {
      return (await this.hub.api.send({ method: "POST", path, body })).status === 201;
    });
  }

  /** Starts the managed API server again with another key for tokens; the agent gets a new one. */
  async exchangeSigningKey(): Promise<void> {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const at = (file: string) => join(this.managed.pkiDirectory, file);
    const key = privateKey.export({ type: "pkcs8", format: "pem" });
    await writeFile(at("service-account.key"), key, { mode: 0o600 });
    await writeFile(at("service-account.pub"), publicKey.export({ type: "spki", format: "pem" }));
    await this.managed.restart("kube-apiserver");
    await this.managed.ready();
    await writeAgentKubeconfig(this.managed);
  }

  /** Waits until the hub Secret holds a token other than `previous` that the cluster accepts. */
  async workingToken(name: string, previous?: string): Promise<string> {
    return waitFor(`a working token of ${name}`, async () => {
      const encoded = (await this.secret(name))?.data?.["token"];
      const token = Buffer.from(encoded ?? "", "base64").toString();
      return token !== previous && (await this.userOf(token)) !== undefined && token;
    });
  }

  /** Who the managed cluster takes the bearer of the token for. */
  async userOf(token: string): Promise<string | undefined> {
    const answer = await this.managed.api.send({
      method: "POST",
      path: "/apis/authentication.k8s.io/v1/tokenreviews",
      body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token } },
    });
    const { status } = answer.body as { status?: { user?: { username?: string } } };
    return status?.user?.username;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hubRoad[Symbol.asyncDispose]();
    await this.managed[Symbol.asyncDispose]();
    await this.hub[Symbol.asyncDispose]();
  }
}

/** The agent's kubeconfig of the hub, on the road that a test can cut. */
async function writeHubKubeconfig(hub: ProcessCluster, port: number): Promise<string> {
  const path = await hub.kubeconfigFor(agentUser);
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replaceAll(hub.server, `https://127.0.0.1:${port}`));
  return path;
}

/** A kubeconfig with a token of the agent's own ServiceAccount, as a pod would have it. */
async function writeAgentKubeconfig(managed: ProcessCluster): Promise<string> {
  const namespace = agentNamespace;
  const create = ["create", "token", agentServiceAccount, "-n", namespace];
  const token = (await managed.kubectl(create)).trim();
  const name = "agent";
  const cluster = { server: managed.server, "certificate-authority": managed.caPath };
  const kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace } }],
    "current-context": name,
  };
  const path = join(managed.directory, "agent.kubeconfig");
  await writeFile(path, JSON.stringify(kubeconfig), { mode: 0o600 });
  return path;
}

/** A signal for one request of a test. */
export function soon(): AbortSignal {
  return AbortSignal.timeout(15_000);
}
