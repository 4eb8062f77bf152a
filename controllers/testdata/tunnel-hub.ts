import { PassThrough } from "node:stream";
import { type KubeObject, managedProxyConfigurations } from "#api";
import { type ProcessCluster, startProcessCluster, waitFor } from "#bed";
import { createKubeClient, createObjectCache, type EventOptions, type KubeClient } from "#kube";
import { createLogger, createMetrics, type Metrics, runAll } from "#runtime";
import { makeAccount } from "../../e2e/bed/ocm/account.ts";
import { Helm } from "../../helm/tests/helm.ts";
import { generatedCrds } from "../../tools/generated-files.ts";
import { createAddonMetrics } from "../addon/addon.ts";
import { serverControllers } from "../cluster-proxy/index.ts";
import { addonNamespace } from "./addon-hub.ts";

const crdName = "managedproxyconfigurations.yaml";
const signer = { namespace: addonNamespace, name: "cluster-proxy-signer" };

/** What a ManagedProxyConfiguration may leave out is left out here. */
export function makeSpec(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  const { authentication = {}, proxyServer = {}, ...others } = overrides;
  return {
    authentication: { signer: { type: "SelfSigned" }, ...(authentication as object) },
    proxyServer: {
      image: "server:v1",
      replicas: 2,
      namespace: addonNamespace,
      ...(proxyServer as object),
    },
    proxyAgent: { image: "agent:v1" },
    ...others,
  };
}

/**
 * A hub without OCM, on which the part of cluster-proxy's controller runs that keeps the tunnel
 * server: in this process, with the rights that the chart gives it and no others.
 */
export class TunnelHub implements AsyncDisposable {
  readonly cluster: ProcessCluster;
  readonly metrics: Metrics = createMetrics();
  /** What was written, as `patch secrets`. */
  readonly writes: string[] = [];
  readonly events: EventOptions[] = [];
  readonly #helm: Helm;
  readonly #log = new PassThrough({ encoding: "utf8" });
  #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  private constructor(cluster: ProcessCluster, helm: Helm) {
    this.cluster = cluster;
    this.#helm = helm;
  }

  static async start(...manifests: readonly string[]): Promise<TunnelHub> {
    const crd = generatedCrds().find(({ path }) => path === `manifests/crds/${crdName}`);
    const namespace = `{apiVersion: v1, kind: Namespace, metadata: {name: ${addonNamespace}}}`;
    await using started = new AsyncDisposableStack();
    const helm = started.use(await Helm.open());
    const cluster = started.use(
      await startProcessCluster({
        name: "hub",
        manifests: [namespace, crd?.content ?? "", ...manifests],
      }),
    );
    await waitFor("the CRD", async () => {
      return (await cluster.kubectl(["get", "managedproxyconfigurations"])) === "";
    });
    started.move();
    return new TunnelHub(cluster, helm);
  }

  /** Gives the controller what the chart would give it with these flags. */
  async grant(...flags: readonly string[]): Promise<void> {
    const yaml = await this.#helm.run([
      "template",
      "test",
      "cluster-proxy",
      `--namespace=${addonNamespace}`,
      "--show-only=templates/rbac.yaml",
      ...flags,
    ]);
    await this.cluster.apply(yaml);
  }

  /** Runs the controller until `stop`. */
  async run(options: { readonly authorityOverlapMs?: number } = {}): Promise<void> {
    const kubeconfig = await this.#kubeconfig();
    const client = this.#counting(await createKubeClient({ kubeconfig, userAgent: "test" }));
    const log = createLogger({ level: "info", sink: this.#log });
    const configurations = createObjectCache<KubeObject>(client, untyped, { log });
    const deps = {
      client,
      namespace: addonNamespace,
      version: "v1alpha1",
      log,
      metrics: createAddonMetrics(createMetrics()),
      events: { record: async (_type: unknown, _object: unknown, event: EventOptions) => {
        this.events.push(event);
      } },
      now: () => new Date(),
    } as const;
    const controllers = serverControllers(
      deps,
      {
        signer,
        imagePullPolicy: "IfNotPresent",
        isSharedIdentityAccepted: false,
        authorityOverlapMs: options.authorityOverlapMs ?? 3_600_000,
      },
      { configurations },
    );
    this.#stop = new AbortController();
    this.#running = runAll([configurations, ...controllers], this.#stop.signal);
  }

  /** Ends the controller. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** What the controller has logged since the last look. */
  get log(): string {
    return String(this.#log.read());
  }

  /** Makes or changes the configuration. */
  async configure(spec: Record<string, unknown>, name = "cluster-proxy"): Promise<void> {
    const { group, version, kind } = managedProxyConfigurations;
    const object = { apiVersion: `${group}/${version}`, kind, metadata: { name }, spec };
    await this.cluster.apply(JSON.stringify(object));
  }

  /** One field of an object in the addon's namespace, empty when there is none. */
  async field(kind: string, name: string, jsonPath: string): Promise<string> {
    return this.cluster.kubectl([
      "get",
      kind,
      name,
      `--namespace=${addonNamespace}`,
      "--ignore-not-found",
      `--output=jsonpath={${jsonPath}}`,
    ]);
  }

  /** The text under a key of a Secret, empty when there is none. */
  async secretText(name: string, key: string): Promise<string> {
    const text = await this.field("secret", name, `.data['${key.replaceAll(".", "\\.")}']`);
    return Buffer.from(text, "base64").toString();
  }

  /** `status reason: message` of a condition of the configuration. */
  async condition(type: string, name = "cluster-proxy"): Promise<string> {
    const path = `.status.conditions[?(@.type=="${type}")]`;
    const text = await this.field("managedproxyconfiguration", name, path);
    if (text === "") return "";
    const found = JSON.parse(text) as Readonly<Record<string, string>>;
    return `${found["status"]} ${found["reason"]}: ${found["message"]}`;
  }

  /** Waits until a condition reads as it should. */
  async untilCondition(type: string, want: RegExp, name?: string): Promise<string> {
    let seen = "";
    try {
      return await waitFor(
        `${type} to be ${want.source}`,
        async () => {
          seen = await this.condition(type, name);
          return want.test(seen) && seen;
        },
        { limitMs: 30_000 },
      );
    } catch (cause) {
      throw new Error(`${type} is "${seen}", not ${want.source}; ${this.log}`, { cause });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.cluster[Symbol.asyncDispose]();
    await this.#helm[Symbol.asyncDispose]();
  }

  #account: Promise<string> | undefined;

  async #kubeconfig(): Promise<string> {
    this.#account ??= makeAccount(this.cluster, addonNamespace, "cluster-proxy-addon-manager");
    return this.#account;
  }

  #counting(client: KubeClient): KubeClient {
    const { writes } = this;
    const note = (verb: string, plural: string, subresource = ""): void => {
      writes.push(`${verb} ${plural}${subresource === "" ? "" : `/${subresource}`}`);
    };
    return {
      ...client,
      create(type, object, signal, options) {
        note("create", type.plural, options?.subresource);
        return client.create(type, object, signal, options);
      },
      mergePatch(type, key, patch, signal, options) {
        note("patch", type.plural, options?.subresource);
        return client.mergePatch(type, key, patch, signal, options);
      },
      apply(type, object, signal, options) {
        note("apply", type.plural, options.subresource);
        return client.apply(type, object, signal, options);
      },
      delete(type, key, signal, options) {
        note("delete", type.plural);
        return client.delete(type, key, signal, options);
      },
    };
  }
}

const { parse: _checked, ...untyped } = managedProxyConfigurations;
