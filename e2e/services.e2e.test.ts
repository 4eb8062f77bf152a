/** A Service of managed1 and its API, by the user server, as the chart sets it up. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type FullBed, findFullBed, waitFor } from "#bed";
import { type Background, startKubectl } from "./support/background.ts";
import { hubKubeconfig, kubectl, managedKubeconfig, tryKubectl } from "./support/hub.ts";
import { releaseNamespace, untilRolled, upgradeRelease } from "./support/releases.ts";
import { keepKubeconfig } from "./support/users.ts";

const namespace = "e2e-services";
const onManaged = { kubeconfig: managedKubeconfig };
const userServer = { namespace: releaseNamespace, name: "cluster-proxy-addon-user" };
const answer = "This is the bed's workload.";

describe("the user server", () => {
  let bed: FullBed;
  let forward: Background;
  let port = "";
  let ca = "";
  let ofHub = "";
  let ofManaged = "";

  /** Leads kubectl to managed1 behind the user server, with that token. */
  async function kubeconfigWith(name: string, token: string): Promise<string> {
    const cluster = {
      server: `https://127.0.0.1:${port}/managed1`,
      "tls-server-name": `${userServer.name}.${userServer.namespace}.svc`,
      "certificate-authority-data": ca,
    };
    const config = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "managed1", cluster }],
      users: [{ name, user: { token } }],
      contexts: [{ name, context: { cluster: "managed1", user: name } }],
      "current-context": name,
    };
    return keepKubeconfig(bed.hub, name, JSON.stringify(config));
  }

  /** A token of the ServiceAccount `caller` of a cluster. */
  async function tokenOf(options: { readonly kubeconfig?: string }): Promise<string> {
    await kubectl(["delete", "ns", namespace, "--ignore-not-found"], options);
    await kubectl(["create", "ns", namespace], options);
    await kubectl(["-n", namespace, "create", "serviceaccount", "caller"], options);
    return (await kubectl(["-n", namespace, "create", "token", "caller"], options)).trim();
  }

  before(async () => {
    bed = await findFullBed();
    await upgradeRelease("cluster-proxy", [
      "enableServiceProxy=true",
      "userServer.enabled=true",
      `exposedServices[0].namespace=${namespace}`,
      "exposedServices[0].service=web",
    ]);
    const args = ["get", "deployment", userServer.name, "--ignore-not-found", "-o=name"];
    await waitFor("the user server", async () => {
      return (await kubectl(["-n", userServer.namespace, ...args])) !== "";
    });
    await untilRolled(userServer, 1);
    const [hubToken, managedToken] = await Promise.all([tokenOf({}), tokenOf(onManaged)]);
    forward = startKubectl(
      ["-n", userServer.namespace, "port-forward", `svc/${userServer.name}`, ":9092"],
      hubKubeconfig,
    );
    port = await waitFor("the forwarded port", () =>
      Promise.resolve(/127\.0\.0\.1:(\d+) ->/.exec(forward.stdout)?.[1]),
    );
    const authority = ["get", "secret", "proxy-server-ca", "-o=jsonpath={.data.ca\\.crt}"];
    ca = await kubectl(["-n", userServer.namespace, ...authority]);
    [ofHub, ofManaged] = await Promise.all([
      kubeconfigWith("services-hub", hubToken),
      kubeconfigWith("services-managed", managedToken),
    ]);
    for (const args of workload) await kubectl(["-n", namespace, ...args], onManaged);
  });

  after(async () => {
    await forward[Symbol.asyncDispose]();
    await upgradeRelease("cluster-proxy");
    await waitFor("the end of the user server", async () => {
      const args = ["get", "deployment", userServer.name, "--ignore-not-found", "-o=name"];
      return (await kubectl(["-n", userServer.namespace, ...args])) === "";
    });
    for (const options of [{}, onManaged]) {
      await kubectl(["delete", "ns", namespace, "--ignore-not-found", "--wait=false"], options);
    }
    for (const { api } of [bed.hub, ...bed.managed]) api.close();
  });

  async function whoAmI(kubeconfig: string): Promise<string> {
    return kubectl(["auth", "whoami", "-o=jsonpath={.status.userInfo.username}"], { kubeconfig });
  }

  async function ask(kubeconfig: string, service: string): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/services/${service}/proxy-service/`;
    const { stdout, stderr } = await tryKubectl(["get", `--raw=${path}`], { kubeconfig });
    return stdout + stderr;
  }

  it("leads to the cluster's API, each as who he is there", async () => {
    // Agents have asked for a certificate that also serves.
    await waitFor("the way", async () => whoAmI(ofHub));
    const name = `system:serviceaccount:${namespace}:caller`;
    assert.equal(await whoAmI(ofManaged), name);
    assert.equal(await whoAmI(ofHub), `cluster:hub:${name}`);
  });

  it("leads to a listed Service whoever may use it there, and nobody else", async () => {
    // The list comes to the agent as a mounted ConfigMap does.
    await waitFor("the missing right to be what is missing", async () => {
      return (await ask(ofHub, "http:web:80")).includes("services/proxy");
    });
    const user = `--user=cluster:hub:system:serviceaccount:${namespace}:caller`;
    const binding = ["create", "rolebinding", "web-user", "--role=web-user", user];
    await kubectl(["-n", namespace, ...binding], onManaged);
    // An answer of before counts for ten seconds.
    await waitFor("the Service", async () => (await ask(ofHub, "http:web:80")).includes(answer));
    assert.doesNotMatch(await ask(ofManaged, "http:web:80"), new RegExp(answer));
  });

  it("names the list that a Service is missing from", async () => {
    assert.match(await ask(ofHub, "http:hidden:80"), /hidden.*exposed services allowlist/);
  });
});

/** A Service that answers, and the right to use it. */
const workload = [
  ["create", "deployment", "web", "--image=bed.local/workload:1"],
  ["expose", "deployment", "web", "--port=80", "--target-port=8080"],
  ["create", "role", "web-user", "--verb=get", "--resource=services/proxy", "--resource-name=web"],
] as const;
