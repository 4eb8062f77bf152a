import { hash } from "node:crypto";
import * as z from "zod";
import type { ServiceTarget } from "#api";
import type { RawHeaders, Transport } from "#proxy";
import { createExpiringCache } from "#runtime";
import { describeService } from "./destination.ts";
import { postJson } from "./json-call.ts";
import { ServiceProxyError } from "./service-proxy-error.ts";

/** Who asks the managed API server, and over what. */
export interface Asker {
  readonly transport: Transport;
  /** The credential that decides who is meant, and nothing else. */
  readonly credential: RawHeaders;
}

/** Lets pass who may use a Service. Throws a ServiceProxyError for others. */
export type CheckAccess = (asker: Asker, method: string, target: ServiceTarget) => Promise<void>;

interface Verdict {
  readonly kind: "allowed" | "denied" | "unauthenticated" | "forbidden";
  readonly why: string;
}

const review = z.looseObject({
  message: z.string().default(""),
  status: z
    .union([
      z.looseObject({ allowed: z.boolean().default(false), reason: z.string().default("") }),
      z.string(),
    ])
    .optional(),
});

const verbs: Readonly<Record<string, string>> = {
  GET: "get",
  HEAD: "get",
  OPTIONS: "get",
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

const ttlMs = 10_000;
const timeoutMs = 10_000;
const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/**
 * Asks the managed API server, as whoever is meant, whether he may use `services/proxy` of a
 * Service: it finds out who that is and what his RBAC says in one. An answer counts for ten seconds.
 */
export function createAccessCheck(): CheckAccess {
  const cache = createExpiringCache<Verdict>({ ttlMs: () => ttlMs, maxEntries: 4096 });
  return async (asker, method, target) => {
    const verb = verbs[method] ?? "create";
    const { namespace, name } = target;
    // The cache must not hold tokens.
    const who = hash("sha256", asker.credential.join("\n"), "base64");
    const key = `${who} ${verb} ${namespace}/${name}`;
    const verdict = await cache.get(key, async () => ask(asker, verb, target));
    if (verdict.kind !== "allowed") throw refusal(verdict, verb, target);
  };
}

async function ask(
  { transport, credential }: Asker,
  verb: string,
  { namespace, name }: ServiceTarget,
): Promise<Verdict> {
  const what = { namespace, name, verb, group: "", version: "v1", resource: "services" };
  const spec = { resourceAttributes: { ...what, subresource: "proxy" } };
  const { status, body } = await postJson(
    transport,
    {
      path,
      headers: credential,
      body: { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview", spec },
    },
    AbortSignal.timeout(timeoutMs),
  );
  return verdictOf(status, body);
}

/** What an answer of the API server means. Throws for one that is no answer to the question. */
export function verdictOf(status: number, body: unknown): Verdict {
  const { data } = review.safeParse(body);
  const said = data?.message ?? "";
  if (status === 401) return { kind: "unauthenticated", why: said };
  if (status === 403) return { kind: "forbidden", why: said };
  if (status !== 201 || typeof data?.status !== "object") {
    throw new ServiceProxyError(
      "unreachable",
      `Cannot authorize request: the managed API server answered ${status}`,
    );
  }
  return { kind: data.status.allowed ? "allowed" : "denied", why: data.status.reason };
}

function refusal({ kind, why }: Verdict, verb: string, target: ServiceTarget): ServiceProxyError {
  const because = why === "" ? "" : `: ${why}`;
  if (kind === "unauthenticated") {
    const message = `authentication failed: token is not valid for the managed cluster${because}`;
    return new ServiceProxyError("unauthenticated", message);
  }
  if (kind === "forbidden") {
    return new ServiceProxyError("forbidden", `Cannot act as the user of the hub${because}`);
  }
  const { namespace, name } = target;
  return new ServiceProxyError(
    "forbidden",
    `${describeService(target)} is forbidden: on the managed cluster, the caller needs verb "${verb}" on resource "services/proxy", name "${name}", in namespace "${namespace}"${because}`,
  );
}
