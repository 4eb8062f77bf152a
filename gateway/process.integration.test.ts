import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, it } from "node:test";
import { connect } from "node:tls";
import { waitFor } from "#bed";
import { makeAuthority, type TestAuthority } from "#testing";
import { GatewayBed, secretNamespace } from "./gateway-bed.ts";

const program = new URL("../cmd/gateway.ts", import.meta.url).pathname;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

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
    const port = await freePort();
    const files = ["tls.crt", "tls.key"].map((name) => join(bed.hub.directory, name));
    const [certFile = "", keyFile = ""] = files;
    const renew = async () => {
      const { cert, key } = await authority.server("localhost");
      await Promise.all([writeFile(certFile, cert), writeFile(keyFile, key)]);
    };
    await renew();
    const child = spawn(process.execPath, [
      program,
      `--secure-port=${port}`,
      `--kubeconfig=${await bed.gatewayKubeconfig()}`,
      `--secret-namespace=${secretNamespace}`,
      "--ocm-integration=true",
      `--tls-cert-file=${certFile}`,
      `--tls-private-key-file=${keyFile}`,
      "--feature-gates=HealthinessCheck=true,SecretCache=true,",
    ]);
    const output = text(child.stdout);
    const exited = once(child, "exit");
    try {
      await waitFor("readiness", async () => {
        const answer = await ask(port, "/readyz", authority).catch(() => undefined);
        return answer?.status === "HTTP/1.1 200 OK";
      });
      const before = (await ask(port, "/readyz", authority)).serialNumber;
      await renew();
      await waitFor(
        "the new certificate",
        async () => (await ask(port, "/readyz", authority)).serialNumber !== before,
      );
      child.kill("SIGTERM");
      await waitFor("unreadiness", async () =>
        /500/.test((await ask(port, "/readyz", authority)).status),
      );
      assert.match((await ask(port, "/healthz", authority)).status, /200/);
      assert.deepEqual(await exited, [0, null]);
      assert.doesNotMatch(await output, /PRIVATE KEY|"level":"error"/);
    } finally {
      child.kill("SIGKILL");
    }
  });
});
