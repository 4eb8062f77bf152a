import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeAuthority } from "#testing";
import type { TlsMaterial } from "#tunnel";

export type Side = "frontend" | "agent";
export type PairUse = "server" | "client";

/** Makes the certificates of both hops, each with a CA of its own. */
export async function writePairs(directory: string): Promise<void> {
  for (const side of ["frontend", "agent"] as const) {
    const authority = await makeAuthority(`${side}-ca`);
    await writeFile(join(directory, `${side}-ca.crt`), authority.caPem);
    const pairs = {
      server: await authority.server("127.0.0.1", "localhost"),
      client: await authority.client(side),
    };
    for (const [use, { cert, key }] of Object.entries(pairs)) {
      await writeFile(join(directory, `${side}-${use}.crt`), cert);
      await writeFile(join(directory, `${side}-${use}.key`), key);
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
