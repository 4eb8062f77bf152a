import { execFile } from "node:child_process";
import { generateKeyPair } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  type Authority,
  createRequest,
  keyToPem,
  loadAuthority,
  parseRequest,
  signRequest,
  type Usage,
} from "#pki";
import { makeAuthority, type TestAuthority } from "#testing";

/** Keys of our own certificates: RSA-2048, which OCM's signers and kubeadm make, or ECDSA P-256. */
export const keyKinds = ["rsa", "ecdsa"] as const;
export type KeyKind = (typeof keyKinds)[number];

export type BenchAuthority = Pick<TestAuthority, "caPem" | "server" | "client" | "peer">;

const run = promisify(execFile);
const makeKeys = promisify(generateKeyPair);
const dayMs = 24 * 3_600_000;

/** Makes an authority for the hops of a bench; `directory` takes the key of one with RSA. */
export async function makeBenchAuthority(
  kind: KeyKind,
  directory: string,
): Promise<BenchAuthority> {
  if (kind === "ecdsa") return makeAuthority("bench-ca");
  const certFile = join(directory, "bench-ca.crt");
  const keyFile = join(directory, "bench-ca.key");
  const made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"];
  await run("openssl", [...made, "-subj", "/CN=bench-ca", "-keyout", keyFile, "-out", certFile]);
  const certificatePem = await readFile(certFile, "utf8");
  const authority = loadAuthority({ certificatePem, keyPem: await readFile(keyFile, "utf8") });
  return {
    caPem: certificatePem,
    server: async (...names) => issue(authority, { commonName: names[0] ?? "" }, names, ["server"]),
    client: async (commonName, organizations = []) =>
      issue(authority, { commonName, organizations }, [], ["client"]),
    peer: async (commonName, ...names) =>
      issue(authority, { commonName }, names, ["client", "server"]),
  };
}

async function issue(
  authority: Authority,
  subject: { readonly commonName: string; readonly organizations?: readonly string[] },
  names: readonly string[],
  usages: readonly Usage[],
) {
  const { privateKey } = await makeKeys("rsa", { modulusLength: 2048 });
  const asked = { organizations: [], organizationalUnits: [], ...subject };
  const request = await parseRequest(await createRequest(privateKey, asked, names));
  const options = { names, usages, lifetimeMs: dayMs };
  const cert = await signRequest(authority, request, options, new Date());
  return { cert, key: keyToPem(privateKey) };
}
