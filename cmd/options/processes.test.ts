import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { silentLogger } from "#runtime";
import { makeAuthority } from "#testing";
import { agentTokens } from "./agent-tokens.ts";
import { agentTunnel } from "./agent-tunnel.ts";
import { controller } from "./controller.ts";
import { type Flag, parseFlags } from "./flags.ts";
import { gateway } from "./gateway.ts";
import type { ProcessOptions } from "./process.ts";
import { tunnelServer } from "./tunnel-server.ts";
import { userServer } from "./user-server.ts";

let hub: Server;
let directory = "";
const file = (name: string) => join(directory, name);

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "processes-"));
  const authority = await makeAuthority();
  const { cert, key } = await authority.server("localhost");
  // Answers the one question that is asked while a process is built: which addon API there is.
  hub = createServer({ cert, key }, (_request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ resources: [{ name: "managedclusteraddons" }] }));
  });
  hub.listen(0, "localhost");
  await once(hub, "listening");
  const server = `https://localhost:${(hub.address() as AddressInfo).port}`;
  const ca = { "certificate-authority-data": Buffer.from(authority.caPem).toString("base64") };
  const kubeconfig = {
    clusters: [{ name: "hub", cluster: { server, ...ca } }],
    users: [{ name: "us", user: {} }],
    contexts: [{ name: "hub", context: { cluster: "hub", user: "us", namespace: "addons" } }],
    "current-context": "hub",
  };
  await Promise.all([
    writeFile(file("ca.crt"), authority.caPem),
    writeFile(file("tls.crt"), cert),
    writeFile(file("tls.key"), key),
    writeFile(file("kubeconfig"), JSON.stringify(kubeconfig)),
  ]);
});
after(async () => {
  hub.closeAllConnections();
  hub.close();
  await rm(directory, { recursive: true });
});

/** Builds what a process runs, as it does at its start, and runs none of it. */
async function build<const Flags extends Readonly<Record<string, Flag>>>(
  { flags, build: make }: ProcessOptions<Flags>,
  argv: readonly string[],
): Promise<number> {
  const runnables = await make(parseFlags(flags, argv), silentLogger, new AbortController().signal);
  return runnables.length;
}

/** Of all that registers metrics, each process has as much as its flags can give it. */
describe("a process", () => {
  const tls = (ca: string, cert: string, key: string) => [
    `--${ca}=${file("ca.crt")}`,
    `--${cert}=${file("tls.crt")}`,
    `--${key}=${file("tls.key")}`,
  ];
  const kubeconfig = () => `--kubeconfig=${file("kubeconfig")}`;
  const builds: Readonly<Record<string, () => Promise<number>>> = {
    gateway: async () =>
      build(gateway, [
        `--tls-cert-file=${file("tls.crt")}`,
        `--tls-private-key-file=${file("tls.key")}`,
        kubeconfig(),
        "--ocm-integration=true",
        "--writable-clustergateways=true",
        "--proxy-host=localhost",
        ...tls("proxy-ca-cert", "proxy-cert", "proxy-key"),
        `--audit-webhook-config-file=${file("kubeconfig")}`,
        "--tracing-endpoint=http://localhost:4318",
      ]),
    "gateway that starts others": async () =>
      build(gateway, [
        `--tls-cert-file=${file("tls.crt")}`,
        `--tls-private-key-file=${file("tls.key")}`,
        kubeconfig(),
        "--workers=2",
      ]),
    "gateway of the other group": async () =>
      build(gateway, [
        `--tls-cert-file=${file("tls.crt")}`,
        `--tls-private-key-file=${file("tls.key")}`,
        kubeconfig(),
        "--api-group=gateway.open-cluster-management.io",
      ]),
    controller: async () =>
      build(controller, [
        "--addons=cluster-proxy,managed-serviceaccount,cluster-gateway",
        "--agent-image=spokeway:1",
        kubeconfig(),
      ]),
    "tunnel-server": async () =>
      build(tunnelServer, [
        ...tls("server-ca-cert", "server-cert", "server-key"),
        ...tls("cluster-ca-cert", "cluster-cert", "cluster-key"),
        kubeconfig(),
        "--enable-lease-controller=true",
      ]),
    "agent tunnel": async () =>
      build(agentTunnel, [
        "--proxy-server-host=localhost",
        ...tls("ca-cert", "agent-cert", "agent-key"),
        kubeconfig(),
        "--count-server-leases=true",
      ]),
    "agent tunnel with a service proxy": async () =>
      build(agentTunnel, [
        ...tls("ca-cert", "agent-cert", "agent-key"),
        kubeconfig(),
        "--cluster-name=managed1",
        "--enable-service-proxy",
        `--service-proxy-client-ca=${file("ca.crt")}`,
      ]),
    "user-server": async () =>
      build(userServer, [
        `--server-cert=${file("tls.crt")}`,
        `--server-key=${file("tls.key")}`,
        "--host=localhost",
        ...tls("proxy-ca-cert", "proxy-cert", "proxy-key"),
        ...tls("service-proxy-ca-cert", "service-proxy-client-cert", "service-proxy-client-key"),
        kubeconfig(),
        "--proxy-service=addons/proxy-entrypoint",
        "--audit-log-path=-",
        `--audit-webhook-config-file=${file("kubeconfig")}`,
      ]),
    "agent tokens": async () =>
      build(agentTokens, [
        "--cluster-name=managed1",
        kubeconfig(),
        `--spoke-kubeconfig=${file("kubeconfig")}`,
      ]),
  };
  for (const [name, make] of Object.entries(builds)) {
    it(`${name} can be built: no two of its metrics have one name`, async () => {
      assert.ok((await make()) > 0);
    });
  }
});
