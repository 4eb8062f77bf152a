import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, it } from "node:test";
import { connect } from "node:tls";
import { ChildProgram, findFreePorts, waitFor } from "#bed";
import { makeAuthority, type TestAuthority } from "#testing";
import { GatewayBed, secretNamespace } from "./gateway-bed.ts";

const program = new URL("../cmd/gateway.ts", import.meta.url).pathname;

/** GET over a connection of its own: the answer's status line and the certificate's serial number. */
async function ask(port: number, path: string, { caPem }: TestAuthority) {
  const socket = connect({ port, host: "127.0.0.1", servername: "localhost", ca: caPem });
  await once(socket, "secureConnect");
  const { serialNumber } = socket.getPeerCertificate();
  socket.end(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  const [status = ""] = (await text(socket)).split("\r\n");
  return { status, serialNumber };
}

describe("the gateway's process", { timeout: 180_000 }, () => {
  it("serves by its flags, takes renewed certificates, and winds down when it is asked to", async () => {
    await using bed = await GatewayBed.start();
    const authority = await makeAuthority();
    const [port] = await findFreePorts(1);
    const files = ["tls.crt", "tls.key"].map((name) => join(bed.hub.directory, name));
    const [certFile = "", keyFile = ""] = files;
    const renew = async () => {
      const { cert, key } = await authority.server("localhost");
      await Promise.all([writeFile(certFile, cert), writeFile(keyFile, key)]);
    };
    await renew();
    await using child = ChildProgram.start([
      program,
      `--secure-port=${port}`,
      `--kubeconfig=${await bed.gatewayKubeconfig()}`,
      `--secret-namespace=${secretNamespace}`,
      "--ocm-integration=true",
      `--tls-cert-file=${certFile}`,
      `--tls-private-key-file=${keyFile}`,
      "--feature-gates=HealthinessCheck=true,SecretCache=true,",
    ]);
    await waitFor("readiness", async () => {
      child.throwIfEnded();
      const answer = await ask(port, "/readyz", authority).catch(() => undefined);
      return answer?.status === "HTTP/1.1 200 OK";
    });
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
});
