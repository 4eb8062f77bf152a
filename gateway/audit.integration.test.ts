import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { waitFor } from "#bed";
import { createMetrics, createOtlpExporter, createTracer, silentLogger } from "#runtime";
import { makeAuthority, startUpstream, type TestAuthority, type TestUpstream } from "#testing";
import type { AuditEvent } from "./audit/audit-event.ts";
import { type AuditLog, openAuditLog } from "./audit/audit-log.ts";
import { GatewayBed } from "./gateway-bed.ts";
import { grantManifest } from "./under-test/gateway-bed-manifests.ts";
import { TraceCollector } from "./under-test/trace-collector.ts";

const managedPolicy = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n";
const policy = `apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- {level: None, nonResourceURLs: ["/openapi*", "/api", "/apis", "/apis/*", "/api/*"]}
- {level: Metadata}
`;

/** Two API servers, the managed one with a log and traces of its own, and the gateway's between them. */
describe("the gateway's audit log and traces", { timeout: 300_000 }, () => {
  let directory = "";
  let bed: GatewayBed;
  let authority: TestAuthority;
  let webhook: TestUpstream;
  let audit: AuditLog;
  let collector: TraceCollector;
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
    collector = await TraceCollector.start();
    const tracing = {
      apiVersion: "apiserver.config.k8s.io/v1beta1",
      kind: "TracingConfiguration",
      endpoint: collector.grpcAddress,
      samplingRatePerMillion: 1_000_000,
    };
    bed = await GatewayBed.start([
      `--tracing-config-file=${await file("tracing.yaml", JSON.stringify(tracing))}`,
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
    const exporter = createOtlpExporter({
      url: new URL(`${collector.url}/v1/traces`),
      resource: { "service.name": "gateway" },
      metrics: createMetrics(),
      log: silentLogger,
      maxWaitMs: 200,
    });
    const tracer = createTracer({ export: (span) => exporter.add(span) });
    running = Promise.all(
      [...audit.runnables, exporter].map(async (each) => each.run(stop.signal).catch(() => 0)),
    );
    await bed.startGateway(authority, { audit, tracer });
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
    await collector[Symbol.asyncDispose]();
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

  it("goes on with a client's trace, to the spans of the managed API server, and writes it down", async () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const secret = "namespaces/default/pods?watch=false&token=SECRET";
    const path = `/apis/cluster.core.oam.dev/v1alpha1/clustergateways/managed1/proxy/api/v1/${secret}`;
    const answer = await bed.hub.api.send({
      path,
      headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01`, tracestate: "vendor=1" },
    });
    assert.equal(answer.status, 200);
    const ours = () => collector.spans.filter((span) => span.traceId === traceId);
    const root = await waitFor("our spans", async () =>
      ours().find(({ name }) => name === "clustergateways/proxy"),
    );
    const upstream = ours().find(({ name }) => name === "upstream");
    assert.ok(upstream);
    assert.deepEqual(
      ours()
        .filter(({ parentSpanId }) => parentSpanId === root.spanId)
        .map(({ name }) => name)
        .toSorted(),
      ["authenticate", "authorize", "upstream"],
    );
    assert.equal(root.traceState, "vendor=1");
    const of = (key: string) => root.attributes.find((attribute) => attribute.key === key)?.value;
    assert.deepEqual(of("k8s.resource"), { stringValue: "pods" });
    assert.deepEqual(of("http.response.status_code"), { intValue: "200" });
    assert.doesNotMatch(JSON.stringify(collector.spans), /SECRET|eyJ|Bearer|default/);
    await waitFor("the API server's span", async () => collector.hasHeardOf(upstream));
    const event = await recorded(
      ({ annotations }) => annotations["cluster.core.oam.dev/trace-id"] === traceId,
    );
    assert.equal(event.objectRef?.["resource"], "pods");
  });

  it("shows in a trace of its own what connecting costs", async () => {
    await bed.writeCluster("fresh", "Const", {
      endpoint: bed.managed.server,
      "ca.crt": await bed.managedCa(),
      token: await bed.token(),
    });
    const fresh = await bed.kubeconfigThrough("fresh");
    await waitFor(
      "the cluster",
      async () => (await bed.kubectl(fresh, ["get", "--raw=/healthz"])).code === 0,
    );
    await waitFor("the dial", async () =>
      collector.spans.some(
        ({ name, parentSpanId }) =>
          name === "dial" &&
          collector.spans.some((span) => span.name === "upstream" && span.spanId === parentSpanId),
      ),
    );
  });
});
