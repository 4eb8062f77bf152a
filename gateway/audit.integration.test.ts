import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { waitFor } from "#bed";
import { createMetrics, silentLogger } from "#runtime";
import { makeAuthority, startUpstream, type TestAuthority, type TestUpstream } from "#testing";
import type { AuditEvent } from "./audit/audit-event.ts";
import { type AuditLog, openAuditLog } from "./audit/audit-log.ts";
import { GatewayBed, grantManifest } from "./gateway-bed.ts";

const managedPolicy = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n";
const policy = `apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- {level: None, nonResourceURLs: ["/openapi*", "/api", "/apis", "/apis/*", "/api/*"]}
- {level: Metadata}
`;

/** Two API servers, each with its own audit log, and the gateway's between them. */
describe("the gateway's audit log", { timeout: 300_000 }, () => {
  let directory = "";
  let bed: GatewayBed;
  let authority: TestAuthority;
  let webhook: TestUpstream;
  let audit: AuditLog;
  let through = "";
  const sent: AuditEvent[] = [];
  const stop = new AbortController();
  let running: Promise<unknown> = Promise.resolve();

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "spokeway-audit-"));
    const file = async (name: string, content: string) => {
      await writeFile(join(directory, name), content);
      return join(directory, name);
    };
    bed = await GatewayBed.start([
      `--audit-policy-file=${await file("managed-policy.yaml", managedPolicy)}`,
      `--audit-log-path=${join(directory, "managed.log")}`,
    ]);
    authority = await makeAuthority("gateway-ca");
    webhook = await startUpstream(authority, {
      h1: (request, response) => {
        void text(request).then((body) => {
          sent.push(...(JSON.parse(body) as { readonly items: readonly AuditEvent[] }).items);
          response.end("{}");
        });
      },
    });
    audit = await openAuditLog({
      policyFile: await file("policy.yaml", policy),
      path: join(directory, "gateway.log"),
      maxBytes: 10_000_000,
      maxFiles: 2,
      webhookKubeconfig: await file(
        "webhook.kubeconfig",
        JSON.stringify({
          apiVersion: "v1",
          kind: "Config",
          "current-context": "a",
          contexts: [{ name: "a", context: { cluster: "a", user: "a" } }],
          users: [{ name: "a", user: {} }],
          clusters: [
            {
              name: "a",
              cluster: {
                server: `https://127.0.0.1:${webhook.port}`,
                "tls-server-name": "upstream.test",
                "certificate-authority-data": Buffer.from(authority.caPem).toString("base64"),
              },
            },
          ],
        }),
      ),
      stdout: process.stdout,
      metrics: createMetrics(),
      log: silentLogger,
    });
    running = Promise.all(
      audit.runnables.map(async (each) => each.run(stop.signal).catch(() => 0)),
    );
    await bed.startGateway(authority, { audit });
    await bed.writeCluster("managed1", "Const", {
      endpoint: bed.managed.server,
      "ca.crt": await bed.managedCa(),
      token: await bed.token(),
    });
    await bed.managed.apply(grantManifest);
    through = await bed.kubeconfigThrough("managed1");
    await waitFor("the cluster", async () => (await kubectl("get", "--raw=/healthz")).code === 0);
  });
  after(async () => {
    stop.abort();
    await running;
    await bed[Symbol.asyncDispose]();
    await webhook[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  const kubectl = async (...args: readonly string[]) => bed.kubectl(through, args);
  const linesOf = async (name: string): Promise<readonly AuditEvent[]> => {
    const lines = (await readFile(join(directory, name), "utf8")).trim().split("\n");
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as AuditEvent);
  };
  const recorded = async (isWanted: (event: AuditEvent) => boolean, name = "gateway.log") =>
    waitFor("the event", async () => (await linesOf(name)).find(isWanted));

  it("names each request as the managed cluster's own log does", async () => {
    await kubectl("create", "configmap", "audited", "--namespace=default");
    const isCreate = ({ verb, objectRef }: AuditEvent) =>
      verb === "create" && objectRef?.["resource"] === "configmaps";
    const ours = await recorded(isCreate);
    assert.match(ours.user.username, /admin/);
    assert.equal(ours.annotations["cluster.core.oam.dev/cluster"], "managed1");
    assert.equal(ours.annotations["cluster.core.oam.dev/acts-as"], "account");
    assert.equal(ours.responseStatus?.code, 201);
    assert.ok(Number(ours.annotations["cluster.core.oam.dev/bytes-received"]) > 50);
    assert.ok(Number(ours.annotations["cluster.core.oam.dev/bytes-sent"]) > 50);
    const theirs = await recorded(
      (event) => isCreate(event) && event.auditID === ours.auditID,
      "managed.log",
    );
    assert.match(theirs.user.username, /^system:serviceaccount:.*:cluster-gateway$/);
  });

  it("tells of a watch when it begins, and when it ends", async () => {
    const watch = bed.spawnKubectl(through, ["get", "secrets", "--watch", "--all-namespaces"]);
    const isWatch = (stage: string) => (event: AuditEvent) =>
      event.verb === "watch" && event.stage === stage;
    const started = await recorded(isWatch("ResponseStarted"));
    assert.equal((await linesOf("gateway.log")).some(isWatch("ResponseComplete")), false);
    watch.kill("SIGINT");
    const ended = await recorded(isWatch("ResponseComplete"));
    assert.equal(ended.auditID, started.auditID);
  });

  it("records those whom the gateway refuses, with its words", async () => {
    const ca = join(directory, "gateway-ca.crt");
    await writeFile(ca, authority.caPem);
    const path = "/apis/cluster.core.oam.dev/v1alpha1/clustergateways/managed1/proxy";
    const door = `--server=https://localhost:${bed.port}${path}`;
    const mallory = await bed.hub.kubeconfigFor("mallory");
    await bed.kubectl(mallory, [door, `--certificate-authority=${ca}`, "get", "--raw=/version"]);
    const refused = await recorded(({ user }) => user.username === "mallory");
    assert.equal(refused.responseStatus?.code, 403);
    assert.match(refused.responseStatus.message ?? "", /"mallory" cannot get/);
    assert.equal(refused.annotations["cluster.core.oam.dev/acts-as"], undefined);
  });

  it("leaves out what the policy leaves out, and every token", async () => {
    await kubectl("create", "token", "default", "--namespace=default");
    await recorded(({ objectRef }) => objectRef?.["subresource"] === "token");
    const lines = await readFile(join(directory, "gateway.log"), "utf8");
    assert.doesNotMatch(lines, /openapi|Bearer|eyJ/);
  });

  it("sends the same events to the webhook", async () => {
    const inFile = await linesOf("gateway.log");
    await waitFor("the webhook", () => Promise.resolve(sent.length >= inFile.length));
    assert.deepEqual(
      sent.slice(0, inFile.length).map(({ auditID, stage }) => `${auditID} ${stage}`),
      inFile.map(({ auditID, stage }) => `${auditID} ${stage}`),
    );
  });
});
