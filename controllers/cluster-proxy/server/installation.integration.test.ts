import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { waitFor } from "#bed";
import { createAuthority, isIssuedBy, parseCertificates } from "#pki";
import { addonNamespace } from "../../testdata/addon-hub.ts";
import { makeSpec, TunnelHub } from "../../testdata/tunnel-hub.ts";

const day = 86_400_000;

describe("the tunnel server on a real API server", { timeout: 180_000 }, () => {
  let hub: TunnelHub;
  before(async () => {
    hub = await TunnelHub.start();
    await hub.grant();
  });
  after(async () => hub[Symbol.asyncDispose]());

  it("does not use what an earlier installation has left, although nobody collects it", async () => {
    const old = await createAuthority({ commonName: "old", lifetimeMs: day }, new Date());
    for (const name of ["cluster-proxy-signer", "cluster-proxy-frontend-signer"]) {
      await hub.cluster.apply(JSON.stringify(leftSecret(name, old)));
    }
    await hub.configure(makeSpec());
    await hub.run();
    await hub.untilCondition("AgentServerSecretSigned", /^True/);
    for (const name of ["cluster-proxy-signer", "cluster-proxy-frontend-signer"]) {
      assert.ok(!(await hub.secretText(name, "ca.crt")).includes(old.certificatePem), name);
    }
    const uid = await hub.field("managedproxyconfiguration", "cluster-proxy", ".metadata.uid");
    const owners = ".metadata.ownerReferences[*].uid";
    assert.equal(await hub.field("secret", "cluster-proxy-signer", owners), uid);
    assert.ok(!(await hub.secretText("agent-server-ca", "ca.crt")).includes(old.certificatePem));
  });

  it("settles: nothing is written again and again, and the status once for each change", async () => {
    await hub.untilCondition("ProxyServerDeployed", /^False NotYetDeployed/);
    await waitFor("two seconds without a write", async () => {
      hub.writes.length = 0;
      await sleep(2_000);
      return hub.writes.length === 0;
    });
    await pretendReady(2);
    await hub.untilCondition("ProxyServerDeployed", /^True SuccessfullyDeployed: .*2 of 2/);
    await sleep(1_000);
    const writes = hub.writes.filter((write: string) => write.startsWith("patch managedproxy"));
    assert.deepEqual(writes, ["patch managedproxyconfigurations/status"]);
  });

  it("brings back what somebody takes away", async () => {
    const taken = [
      ["role", "cluster-proxy-addon-agent:portforward"],
      ["rolebinding", "cluster-proxy-addon-agent:portforward"],
      ["serviceaccount", "cluster-proxy"],
      ["service", "proxy-entrypoint"],
      ["secret", "proxy-server"],
      ["secret", "proxy-server-ca"],
    ] as const;
    for (const [kind, name] of taken) {
      await hub.cluster.kubectl(["delete", kind, name, `--namespace=${addonNamespace}`]);
      await waitFor(`${kind} ${name}`, async () => {
        return (await hub.field(kind, name, ".metadata.name")) === name;
      });
    }
  });

  it("acts on one configuration, and says so in another's condition", async () => {
    await hub.configure(makeSpec(), "another");
    await hub.untilCondition(
      "ProxyServerDeployed",
      /^False InvalidConfiguration: .*only cluster-proxy is acted on/,
      "another",
    );
    await hub.cluster.kubectl(["delete", "managedproxyconfiguration", "another"]);
  });

  it("says what it may not do, and goes on once the chart gives it the right", async () => {
    const secrets = { signingProxyClientSecretName: "my-client" };
    await hub.configure(makeSpec({ authentication: { dump: { secrets } } }));
    const told = await hub.untilCondition("ProxyServerDeployed", /^False Forbidden/);
    assert.match(told, /secrets "my-client" is forbidden.*additionalSecretNames/);
    await hub.grant("--set=additionalSecretNames={my-client}");
    await hub.untilCondition("ProxyServerDeployed", /^True/);
    const [leaf] = parseCertificates(await hub.secretText("my-client", "tls.crt"));
    const [ca] = parseCertificates(await hub.secretText("proxy-server-ca", "ca.crt"));
    assert.ok(isIssuedBy(leaf, ca));
  });

  it("follows the address of a load balancer, and its certificates do", async () => {
    const entrypoint = { type: "LoadBalancerService", port: 443 };
    await hub.configure(makeSpec({ proxyServer: { entrypoint } }));
    await hub.untilCondition("ProxyServerDeployed", /^False.*external ip not yet provisioned/);
    for (const ingress of [{ ip: "192.0.2.7" }, { hostname: "lb.example" }]) {
      await patchStatus("service", "proxy-agent-entrypoint", {
        loadBalancer: { ingress: [ingress] },
      });
      const [address = ""] = Object.values(ingress);
      await waitFor(`${address} in both certificates`, async () => {
        const names = await Promise.all(["agent-server", "proxy-server"].map(namesIn));
        return names.every((list) => list.includes(address));
      });
    }
    assert.ok(!(await namesIn("agent-server")).includes("192.0.2.7"));
    await hub.untilCondition("ProxyServerDeployed", /^True/);
  });

  it("takes away what another entrypoint needed", async () => {
    const role = "cluster-proxy-addon-agent:portforward";
    assert.equal(await hub.field("role", role, ".metadata.name"), "");
    const entrypoint = { type: "Hostname", hostname: { value: "hub.example" } };
    await hub.configure(makeSpec({ proxyServer: { entrypoint } }));
    await waitFor("the load balancer to go", async () => {
      return (await hub.field("service", "proxy-agent-entrypoint", ".metadata.name")) === "";
    });
    assert.ok((await namesIn("agent-server")).includes("hub.example"));
    await hub.configure(makeSpec(), "elsewhere");
    await waitFor("the rights for agents that another configuration is for", async () => {
      return (await hub.field("role", role, ".rules[*].resources[*]")) === "pods pods/portforward";
    });
  });

  it("has its pods listen where it is told, and its Services stay where they are", async () => {
    const ports = { proxyServer: 9090, agentServer: 9091, healthServer: 9092, adminServer: 9095 };
    await hub.configure(makeSpec({ deploy: { ports } }));
    await waitFor("the flags", async () => {
      const args = ".spec.template.spec.containers[0].args";
      const text = await hub.field("deployment", "cluster-proxy", args);
      return Object.values(ports).every((port) => text.includes(`-port=${port}"`));
    });
    const of = ["service", "proxy-entrypoint"] as const;
    await waitFor("the Service", async () => {
      return (await hub.field(...of, ".spec.ports[*].targetPort")) === "9090 9091";
    });
    assert.equal(await hub.field(...of, ".spec.ports[*].port"), "8090 8091");
  });

  it("is not ready without a server", async () => {
    await hub.configure(makeSpec({ proxyServer: { replicas: 0 } }));
    await hub.untilCondition("ProxyServerDeployed", /^False NotYetDeployed: Replicas: 2 of 0/);
  });

  async function namesIn(secret: string): Promise<readonly string[]> {
    return parseCertificates(await hub.secretText(secret, "tls.crt"))[0].names;
  }

  /** Says of the tunnel server's pods that they serve: nothing runs them here. */
  async function pretendReady(replicas: number): Promise<void> {
    const generation = await hub.field("deployment", "cluster-proxy", ".metadata.generation");
    await patchStatus("deployment", "cluster-proxy", {
      // Of later generations too: the template changes in what follows.
      observedGeneration: Number(generation),
      replicas,
      updatedReplicas: replicas,
      readyReplicas: replicas,
      availableReplicas: replicas,
    });
  }

  async function patchStatus(kind: string, name: string, status: object): Promise<void> {
    await hub.cluster.kubectl([
      "patch",
      kind,
      name,
      `--namespace=${addonNamespace}`,
      "--subresource=status",
      "--type=merge",
      `--patch=${JSON.stringify({ status })}`,
    ]);
  }
});

/** An authority as an installation before ours made it: its configuration is gone. */
function leftSecret(name: string, pair: { certificatePem: string; keyPem: string }): object {
  const owner = {
    apiVersion: "proxy.open-cluster-management.io/v1alpha1",
    kind: "ManagedProxyConfiguration",
    name: "cluster-proxy",
    uid: "00000000-0000-4000-8000-000000000000",
  };
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: addonNamespace, ownerReferences: [owner] },
    stringData: { "ca.crt": pair.certificatePem, "ca.key": pair.keyPem },
  };
}
