import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { TlsMaterial } from "#tunnel";

export type Side = "frontend" | "agent";
export type PairUse = "server" | "client";

const run = promisify(execFile);
const rsa = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"];

/** Makes the certificates of both hops, each with a CA of its own: RSA, as clusters issue them. */
export async function writePairs(directory: string): Promise<void> {
  const file = (name: string) => join(directory, name);
  const into = (name: string) => ["-keyout", file(`${name}.key`), "-out", file(`${name}.crt`)];
  for (const side of ["frontend", "agent"] as const) {
    const ca = `${side}-ca`;
    await run("openssl", [...rsa, "-subj", `/CN=${ca}`, ...into(ca)]);
    const signed = ["-CA", file(`${ca}.crt`), "-CAkey", file(`${ca}.key`)];
    for (const use of ["server", "client"] as const) {
      const usage = `extendedKeyUsage=${use}Auth`;
      const names = "subjectAltName=IP:127.0.0.1,DNS:localhost";
      const extensions = ["basicConstraints=critical,CA:FALSE", usage, names];
      await run("openssl", [
        ...rsa,
        ...signed,
        "-subj",
        `/CN=${side}`,
        ...extensions.flatMap((extension) => ["-addext", extension]),
        ...into(`${side}-${use}`),
      ]);
    }
  }
}

/** Reads what {@link writePairs} wrote. */
export async function readPair(directory: string, side: Side, use: PairUse): Promise<TlsMaterial> {
  const read = (name: string) => readFile(join(directory, name));
  const [ca, cert, key] = await Promise.all([
    read(`${side}-ca.crt`),
    read(`${side}-${use}.crt`),
    read(`${side}-${use}.key`),
  ]);
  return { ca, cert, key };
}
