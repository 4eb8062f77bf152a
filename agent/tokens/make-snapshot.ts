import {
  type ManagedServiceAccount,
  managedServiceAccount,
  managedServiceAccountLabels,
  type Secret,
} from "#api";
import type { PlanSettings, Snapshot } from "./snapshot.ts";
import { heldTokenOf, tokenSecretFor } from "./token-secret.ts";

/** For tests: when everything in a made snapshot was last refreshed. */
export const refreshedAt = new Date("2026-01-01T00:00:00Z");
const hourMs = 3_600_000;

/** For tests: settings of an agent in the namespace `agent`. */
export function makeSettings(overrides: Partial<PlanSettings> = {}): PlanSettings {
  return {
    agentNamespace: "agent",
    ownNames: new Set(["managed-serviceaccount"]),
    adoptsAny: false,
    ...overrides,
  };
}

/** For tests: a token as an API server issues it, but for its signature. */
export function makeToken(claims: Readonly<Record<string, unknown>> = {}): string {
  const issued = refreshedAt.getTime() / 1000;
  const payload = {
    sub: "system:serviceaccount:agent:reader",
    iat: issued,
    exp: issued + 3600,
    "kubernetes.io": { serviceaccount: { name: "reader", uid: "sa-1" } },
    ...claims,
  };
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  return `${encode({ alg: "RS256" })}.${encode(payload)}.c2lnbmF0dXJl`;
}

interface AccountParts {
  readonly metadata?: object;
  readonly validity?: string;
  readonly status?: object | undefined;
}

/** For tests: an account whose token of one hour was reported at {@link refreshedAt}. */
export function makeAccount(parts: AccountParts = {}): ManagedServiceAccount {
  const at = "2026-01-01T00:00:00Z";
  const done = { status: "True", message: "", observedGeneration: 1, lastTransitionTime: at };
  const status = {
    conditions: [
      { type: "SecretCreated", reason: "SecretCreated", ...done },
      { type: "TokenReported", reason: "TokenReported", ...done },
    ],
    expirationTimestamp: "2026-01-01T01:00:00Z",
    tokenSecretRef: { name: "reader", lastRefreshTimestamp: at },
  };
  return managedServiceAccount.parse({
    apiVersion: "authentication.open-cluster-management.io/v1beta1",
    kind: "ManagedServiceAccount",
    metadata: { name: "reader", namespace: "c1", uid: "msa-1", generation: 1, ...parts.metadata },
    spec: { rotation: { validity: parts.validity ?? "1h" } },
    status: "status" in parts ? parts.status : status,
  });
}

/** For tests: the hub Secret of the account, with that token. */
export function makeSecret(token = makeToken(), overrides: Partial<Secret> = {}): Secret {
  const content = { token, caBundle: Buffer.from("ca") };
  return { ...tokenSecretFor(makeAccount(), undefined, content), ...overrides };
}

interface SnapshotParts extends Partial<Omit<Snapshot, "token">> {
  readonly token?: string;
}

/** For tests: a snapshot in which all is well; a test names only what it is about. */
export function makeSnapshot({ token, ...parts }: SnapshotParts = {}): Snapshot {
  const secret = "secret" in parts ? parts.secret : makeSecret(token ?? makeToken());
  const labels = { [managedServiceAccountLabels.managed]: "true" };
  return {
    account: makeAccount(),
    serviceAccount: { metadata: { name: "reader", namespace: "agent", uid: "sa-1", labels } },
    caBundle: Buffer.from("ca"),
    verdict: "accepted",
    ...parts,
    secret,
    token: heldTokenOf(secret),
  };
}

/** For tests: that many hours after {@link refreshedAt}, in ms since 1970. */
export function hoursLater(hours: number): number {
  return refreshedAt.getTime() + hours * hourMs;
}
