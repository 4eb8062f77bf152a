import { createAuthority, issueCertificate, loadAuthority } from "#pki";

/** A certificate and its key, PEM. */
export interface TestPair {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority that lives as long as the test. */
export interface TestAuthority {
  readonly caPem: string;
  server(...names: readonly string[]): Promise<TestPair>;
  client(commonName: string, organizations?: readonly string[]): Promise<TestPair>;
  /** For a client that is also a server, under these names. */
  peer(commonName: string, ...names: readonly string[]): Promise<TestPair>;
}

const hourMs = 3_600_000;

/** Makes an authority whose certificates are valid for an hour. */
export async function makeAuthority(commonName = "test-ca"): Promise<TestAuthority> {
  const now = new Date();
  const pair = await createAuthority({ commonName, lifetimeMs: hourMs }, now);
  const authority = loadAuthority(pair);
  return {
    caPem: pair.certificatePem,
    async server(...names) {
      const options = { commonName: names[0] ?? "", names, usages: ["server"] as const };
      const made = await issueCertificate(authority, { ...options, lifetimeMs: hourMs }, now);
      return { cert: made.certificatePem, key: made.keyPem };
    },
    async peer(commonName, ...names) {
      const options = { commonName, names, usages: ["client", "server"] as const };
      const made = await issueCertificate(authority, { ...options, lifetimeMs: hourMs }, now);
      return { cert: made.certificatePem, key: made.keyPem };
    },
    async client(commonName, organizations = []) {
      const options = { commonName, organizations, names: [], usages: ["client"] as const };
      const made = await issueCertificate(authority, { ...options, lifetimeMs: hourMs }, now);
      return { cert: made.certificatePem, key: made.keyPem };
    },
  };
}
