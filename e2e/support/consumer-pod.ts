import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CommandResult, FullBed } from "#bed";
import { kubectl, kubectlPath, tryKubectl } from "./hub.ts";

/** Where the pod finds its own kubectl, and what the test gives it. */
const mounted = "/consumer";

/**
 * A pod on the hub that has kubectl and cp-creds and the account `consumer` of its namespace: it
 * uses what the hub hands out where consumers are, with the hub's Services and names.
 */
export class ConsumerPod implements AsyncDisposable {
  readonly #namespace: string;
  readonly #directory: string;

  private constructor(namespace: string, directory: string) {
    this.#namespace = namespace;
    this.#directory = directory;
  }

  /** Starts it in a namespace that exists, and waits until it runs. */
  static async start({ hub }: FullBed, namespace: string): Promise<ConsumerPod> {
    const directory = join(hub.plan.directory, "e2e-consumer");
    await mkdir(directory, { recursive: true });
    await copyFile(kubectlPath, join(directory, "kubectl"));
    const path = "-o=jsonpath={.spec.template.spec.containers[0].image}";
    const image = await kubectl(["-n", "vela-system", "get", "deploy", "gateway-deployment", path]);
    await kubectl(["apply", "-f", "-"], { input: manifest(namespace, image, directory) });
    const ready = ["wait", "--for=condition=Ready", "pod/consumer", "--timeout=60s"];
    await kubectl(["-n", namespace, ...ready]);
    return new ConsumerPod(namespace, directory);
  }

  /** Runs kubectl in the pod with that kubeconfig, whatever comes of it. */
  async kubectl(kubeconfig: string, args: readonly string[]): Promise<CommandResult> {
    await writeFile(join(this.#directory, "kubeconfig"), kubeconfig, { mode: 0o600 });
    const command = [`${mounted}/kubectl`, `--kubeconfig=${mounted}/kubeconfig`, ...args];
    return tryKubectl(["-n", this.#namespace, "exec", "consumer", "--", ...command]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const now = ["--ignore-not-found", "--grace-period=0", "--force"];
    await kubectl(["-n", this.#namespace, "delete", "pod", "consumer", ...now]);
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** It reads Secrets of its namespace, as cp-creds needs, and nothing else. */
function manifest(namespace: string, image: string, directory: string): string {
  return `
apiVersion: v1
kind: ServiceAccount
metadata: {name: consumer, namespace: ${namespace}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: consumer, namespace: ${namespace}}
rules:
- {apiGroups: [""], resources: [secrets], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: consumer, namespace: ${namespace}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: consumer}
subjects: [{kind: ServiceAccount, name: consumer, namespace: ${namespace}}]
---
apiVersion: v1
kind: Pod
metadata: {name: consumer, namespace: ${namespace}}
spec:
  serviceAccountName: consumer
  terminationGracePeriodSeconds: 0
  containers:
  - name: consumer
    image: ${image}
    command: [node, --eval, "setInterval(() => {}, 1e6)"]
    securityContext: {runAsUser: 0}
    volumeMounts: [{name: consumer, mountPath: ${mounted}}]
  volumes:
  - name: consumer
    hostPath: {path: ${JSON.stringify(directory)}, type: Directory}
`;
}
