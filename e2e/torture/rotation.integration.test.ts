/** Certificates and their authorities rotate under load: no stream is cut and no request fails. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { connect } from "node:tls";
import { isTorture, waitFor } from "#bed";
import type { KeyPair } from "#pki";
import { MountedSecret } from "./mounted-secret.ts";
import { RotatingAuthority, type WantedLeaf } from "./rotating-authority.ts";
import { TunnelStack } from "./stack.ts";

/** How long streams and requests go on; at least one authority and two leaves are replaced. */
const leastMs = isTorture ? 600_000 : 0;
const files = { ca: "ca.crt", cert: "tls.crt", key: "tls.key" } as const;
const serving = { commonName: "server", names: ["127.0.0.1"], usages: ["server"] } as const;
const calling = (commonName: string) => ({ commonName, names: [], usages: ["client"] }) as const;

/** One certificate, the authorities that its owner trusts, and the files that hold them. */
class Credential {
  readonly #authority: RotatingAuthority;
  readonly #wanted: WantedLeaf;
  readonly #secret: MountedSecret;
  #leaf: KeyPair | undefined;

  constructor(authority: RotatingAuthority, wanted: WantedLeaf, directory: string) {
    this.#authority = authority;
    this.#wanted = wanted;
    this.#secret = new MountedSecret(directory);
  }

  /** Writes what is to be used from now on; another leaf in any case if `isRenewed`. */
  async publish({ isRenewed = false } = {}): Promise<void> {
    this.#leaf = await this.#authority.leaf(isRenewed ? undefined : this.#leaf, this.#wanted);
    await this.#secret.write({
      [files.ca]: this.#authority.trustedPem,
      [files.cert]: this.#leaf.certificatePem,
      [files.key]: this.#leaf.keyPem,
    });
  }

  flags(ca: string, cert: string, key: string): readonly string[] {
    const { caFile, certFile, keyFile } = this.paths;
    return [`--${ca}=${caFile}`, `--${cert}=${certFile}`, `--${key}=${keyFile}`];
  }

  get paths() {
    return {
      caFile: this.#secret.path(files.ca),
      certFile: this.#secret.path(files.cert),
      keyFile: this.#secret.path(files.key),
    };
  }

  get fingerprint(): string {
    return new X509Certificate(this.#leaf?.certificatePem ?? "").fingerprint256;
  }
}

describe("a tunnel whose certificates and authorities rotate", { timeout: 1_200_000 }, () => {
  let directory: string;
  let stack: TunnelStack;
  let authorities: readonly RotatingAuthority[];
  let credentials: Readonly<Record<"frontends" | "agents" | "agent" | "frontend", Credential>>;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "spokeway-rotation-"));
    const [front, back] = await Promise.all([
      RotatingAuthority.create("frontends"),
      RotatingAuthority.create("agents"),
    ]);
    authorities = [front, back];
    const at = (name: string) => join(directory, name);
    credentials = {
      frontends: new Credential(front, serving, at("frontends")),
      agents: new Credential(back, serving, at("agents")),
      agent: new Credential(back, calling("cluster1"), at("agent")),
      frontend: new Credential(front, calling("frontend"), at("frontend")),
    };
    await publish();
    stack = await TunnelStack.start({
      serverFlags: [
        ...credentials.frontends.flags("server-ca-cert", "server-cert", "server-key"),
        ...credentials.agents.flags("cluster-ca-cert", "cluster-cert", "cluster-key"),
      ],
      agentFlags: credentials.agent.flags("ca-cert", "agent-cert", "agent-key"),
      frontendFiles: credentials.frontend.paths,
    });
  });
  after(async () => {
    await stack[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  async function publish(options?: { readonly isRenewed: boolean }): Promise<void> {
    for (const credential of Object.values(credentials)) await credential.publish(options);
  }

  /** How often each process has taken other certificates; the server has two listeners. */
  async function reloads(): Promise<readonly number[]> {
    const told = (output: string) => output.split("Certificates changed").length - 1;
    const { output } = stack.server;
    return [
      told(output) / 2,
      told(stack.agent.output),
      await stack.frontend.call("certificateChanges"),
    ];
  }

  /** Replaces all leaves and all authorities, each step once all processes know of the one before. */
  async function rotateAll(): Promise<void> {
    for (const authority of authorities) authority.ask();
    for (const expected of ["prepare", "promote", "retire"]) {
      const was = await reloads();
      for (const authority of authorities) assert.equal(await authority.step(), expected);
      await publish({ isRenewed: expected === "prepare" });
      await waitFor(`all processes to take what "${expected}" made`, async () => {
        const now = await reloads();
        return now.every((count, index) => count > (was[index] ?? 0));
      });
      await stack.frontend.call("request", { port: stack.target.port });
    }
  }

  it("cuts no stream and fails no request", async (t) => {
    const { frontend, target } = stack;
    const { port } = target;
    await frontend.call("stall", { port, count: 1 });
    await frontend.call("follow", { port });
    let [good, rotations] = [0, 0];
    const failures: string[] = [];
    const end = performance.now() + leastMs;
    const stop = new AbortController();
    const loading = (async () => {
      while (!stop.signal.aborted) {
        const load = await frontend.call("load", { port, forMs: 1000 });
        good += load.good;
        failures.push(...load.failures);
      }
    })();
    try {
      do {
        await rotateAll();
        rotations += 1;
      } while (performance.now() < end);
    } finally {
      stop.abort();
    }
    await loading;
    t.diagnostic(`${good} requests, ${rotations} rotations`);
    assert.deepEqual(failures, []);
    assert.ok(good > 0);
    const [stalled, followed] = await frontend.call("held");
    assert.deepEqual([stalled?.end, followed?.end], [undefined, undefined]);
    const { bytes = 0 } = followed ?? {};
    await waitFor("more bytes of the stream", async () => {
      const [, now] = await frontend.call("held");
      return (now?.bytes ?? 0) > bytes;
    });
  });

  it("uses the new ones, for those who come then as well", async () => {
    const { agents, frontends } = stack.server.ports;
    assert.equal(await servedFingerprint(agents), credentials.agents.fingerprint);
    assert.equal(await servedFingerprint(frontends), credentials.frontends.fingerprint);
    // Both come back to it, and neither has anything left that the first authority signed.
    await stack.server.restart();
    await stack.serves();
  });
});

/** What a server shows before it wants to see a certificate itself. */
async function servedFingerprint(port: number): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false });
  socket.on("error", () => undefined);
  await once(socket, "secureConnect");
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}
