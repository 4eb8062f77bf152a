import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { type ClientHttp2Stream, connect as connectH2 } from "node:http2";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { connect } from "node:tls";
import { ChildProgram, findFreePorts, waitFor } from "#bed";
import { makeAuthority, type TestAuthority } from "#testing";
import { GatewayBed } from "./gateway-bed.ts";
import { grantManifest, secretNamespace } from "./under-test/gateway-bed-manifests.ts";

const program = new URL("../cmd/gateway.ts", import.meta.url).pathname;

/** GET over a connection of its own: the answer, and the certificate's serial number. */
async function ask(port: number, path: string, { caPem }: TestAuthority, token = "") {
  const socket = connect({ port, host: "127.0.0.1", servername: "localhost", ca: caPem });
  await once(socket, "secureConnect");
  const { serialNumber } = socket.getPeerCertificate();
  const fields = ["Host: localhost", "Connection: close"];
  if (token !== "") fields.push(`Authorization: Bearer ${token}`);
  socket.write(`GET ${path} HTTP/1.1\r\n${fields.join("\r\n")}\r\n\r\n`);
  const body = await text(socket);
  const [status = ""] = body.split("\r\n");
  return { status, body, serialNumber };
}

const okLine = "HTTP/1.1 200 OK";

/** The processes that a process has started and that still run. */
async function childrenOf(pid: number): Promise<readonly number[]> {
  const list = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return list
    .split(" ")
    .filter((id) => id !== "")
    .map(Number);
}

describe("the gateway's process", { timeout: 180_000 }, () => {
  let bed: GatewayBed;
  let authority: TestAuthority;
  let port: number;
  let files: { readonly cert: string; readonly key: string };

  before(async () => {
    bed = await GatewayBed.start();
    authority = await makeAuthority();
    [port] = await findFreePorts(1);
    files = {
      cert: join(bed.hub.directory, "tls.crt"),
      key: join(bed.hub.directory, "tls.key"),
    };
    await renew();
  });
  after(() => bed[Symbol.asyncDispose]());

  const renew = async () => {
    const { cert, key } = await authority.server("localhost");
    await Promise.all([writeFile(files.cert, cert), writeFile(files.key, key)]);
  };

  const start = async (...more: readonly string[]) => {
    const child = ChildProgram.start([
      program,
      `--secure-port=${port}`,
      `--kubeconfig=${await bed.gatewayKubeconfig()}`,
      `--secret-namespace=${secretNamespace}`,
      "--ocm-integration=true",
      `--tls-cert-file=${files.cert}`,
      `--tls-private-key-file=${files.key}`,
      "--feature-gates=HealthinessCheck=true,SecretCache=true,",
      ...more,
    ]);
    await waitFor("readiness", async () => {
      child.throwIfEnded();
      const answer = await ask(port, "/readyz", authority).catch(() => undefined);
      return answer?.status === okLine;
    });
    return child;
  };

  it("serves by its flags, takes renewed certificates, and winds down when it is asked to", async () => {
    await using child = await start();
    const before = (await ask(port, "/readyz", authority)).serialNumber;
    await renew();
    await waitFor(
      "the new certificate",
      async () => (await ask(port, "/readyz", authority)).serialNumber !== before,
    );
    const stopped = child.stop();
    await waitFor("unreadiness", async () =>
      /500/.test((await ask(port, "/readyz", authority)).status),
    );
    assert.match((await ask(port, "/healthz", authority)).status, /200/);
    assert.equal(await stopped, 0);
    assert.doesNotMatch(child.output, /PRIVATE KEY|"level":"error"/);
  });

  it("ends a watch properly when it winds down, and itself with the last request", async () => {
    await bed.managed.apply(grantManifest);
    await bed.writeCluster("managed1", "Const", {
      endpoint: bed.managed.server,
      "ca.crt": await bed.managedCa(),
      token: await bed.token(),
    });
    const token = await hubToken(bed.hub);
    await using child = await start("--graceful-shutdown-timeout=10m");
    const session = connectH2(`https://127.0.0.1:${port}`, {
      ca: authority.caPem,
      servername: "localhost",
    });
    const path = `${proxyPath}/api/v1/namespaces/default/configmaps?watch=true`;
    let watch: ClientHttp2Stream | undefined;
    await waitFor("a watch", async () => {
      watch = session.request({ ":path": path, authorization: `Bearer ${token}` });
      const [headers] = (await once(watch, "response")) as [{ ":status": number }];
      return headers[":status"] === 200;
    });
    const ended = once(watch?.resume() ?? session, "end");
    assert.equal(await child.stop(), 0);
    await ended;
    assert.equal(watch?.rstCode, 0);
  });

  it("goes on with the other workers when one is killed, replaces it, and counts for all", async () => {
    await bed.managed.apply(grantManifest);
    await bed.writeCluster("managed1", "Const", {
      endpoint: bed.managed.server,
      "ca.crt": await bed.managedCa(),
      token: await bed.token(),
    });
    const token = await hubToken(bed.hub);
    await using child = await start("--workers=2");
    let answered = 0;
    /** Some requests to the managed cluster, each on a new connection. */
    const round = async () => {
      const answers = await Promise.all(
        Array.from({ length: 8 }, () =>
          ask(port, `${proxyPath}/healthz`, authority, token).catch(() => undefined),
        ),
      );
      const good = answers.filter((answer) => answer?.status === okLine).length;
      answered += good;
      return good === answers.length;
    };
    /** Whether a look at any worker shows what all of them have done. */
    const shows = async (...series: readonly string[]) => {
      child.throwIfEnded();
      const { body } = await ask(port, "/metrics", authority, token);
      const lines = body.split("\n");
      const label = 'cluster="managed1",code="200"';
      const requests = `ocm_proxy_proxied_requests_by_cluster_total{${label}} ${answered}`;
      return [requests, ...series].every((line) => lines.includes(line));
    };
    await waitFor("answers", round);
    await waitFor("a sum", async () => shows("spokeway_workers 2"));
    const workers = await childrenOf(child.pid);
    assert.equal(workers.length, 2);
    const [killed = 0, other = 0] = workers;
    process.kill(killed, "SIGKILL");
    await waitFor("another worker", async () => {
      const now = await childrenOf(child.pid);
      return now.length === 2 && now.includes(other) && !now.includes(killed);
    });
    await waitFor("answers again", round);
    await waitFor("a sum that did not fall", async () =>
      shows("spokeway_workers 2", "spokeway_worker_restarts_total 1"),
    );
    assert.deepEqual(workersIn(child.output), [1, 2]);
    assert.equal(await child.stop(), 0);
    assert.deepEqual(errorsIn(child.output), ["Worker ended"]);
  });
});

const proxyPath = "/apis/cluster.core.oam.dev/v1alpha1/clustergateways/managed1/proxy";

const linesOf = (output: string) =>
  output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as { level: string; message: string; worker?: number });

function errorsIn(output: string): readonly string[] {
  return linesOf(output).flatMap(({ level, message }) => (level === "error" ? [message] : []));
}

function workersIn(output: string): readonly number[] {
  const workers = linesOf(output).flatMap(({ worker }) => (worker === undefined ? [] : [worker]));
  return [...new Set(workers)].toSorted((a, b) => a - b);
}

const callerManifest = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: caller, namespace: default}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: caller}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: caller, namespace: default}]
`;

/** A token of somebody on the hub who may do everything. */
async function hubToken(hub: GatewayBed["hub"]): Promise<string> {
  await hub.apply(callerManifest);
  return (await hub.kubectl(["create", "token", "caller"])).trim();
}
