import * as z from "zod";
import { type ClusterGateway, clusterSecretAnnotations, type Secret, secrets } from "#api";
import { isApiError, type KubeClient, type ObjectCache } from "#kube";
import type { Exchange } from "#proxy";
import { answerJson } from "../answers/answer.ts";
import { GatewayError } from "../answers/gateway-error.ts";
import type { ClusterStore } from "../clusters/cluster-store.ts";
import { objectTypes, parseBody, readBody } from "./body.ts";
import { notFound } from "./cluster-gateway-api.ts";
import { readPatch, writeRequestOf } from "./write-requests.ts";

const body = z.looseObject({
  metadata: z.looseObject({ name: z.string() }),
  status: z
    .looseObject({ healthy: z.boolean().default(false), healthyReason: z.string().default("") })
    .prefault({}),
});

/** The verdict of whoever probes a cluster. */
export interface Health {
  readonly healthy: boolean;
  readonly healthyReason: string;
}

export interface HealthApiOptions {
  readonly clusters: Pick<ClusterStore, "shown">;
  readonly secrets: Pick<ObjectCache<Secret>, "get">;
  readonly secretNamespace: string;
  readonly client: Pick<KubeClient, "replace">;
}

/** Makes the health subresource: GET shows the cluster, PUT and PATCH keep a verdict. */
export function createHealthApi(
  options: HealthApiOptions,
): (exchange: Exchange, name: string, query: string) => Promise<void> {
  return async (exchange, name, query) => {
    const present = options.clusters.shown(name);
    if (present === undefined) throw notFound(name);
    switch (exchange.method) {
      case "GET":
      case "HEAD":
        return answerJson(exchange, 200, present);
      case "PUT":
      case "PATCH": {
        const health = await readHealth(exchange, present);
        return answerJson(exchange, 200, await keep(exchange, present, health, query, options));
      }
      default:
        throw new GatewayError(
          "method_not_allowed",
          `The server does not allow ${exchange.method} on this resource: expected GET, HEAD, PUT, PATCH`,
        );
    }
  };
}

async function keep(
  exchange: Exchange,
  present: ClusterGateway,
  health: Health,
  query: string,
  { secrets: cache, secretNamespace, client }: HealthApiOptions,
): Promise<ClusterGateway> {
  const { name } = present.metadata;
  const { isDryRun, signal } = writeRequestOf(exchange, new URLSearchParams(query));
  const secret = cache.get(`${secretNamespace}/${name}`);
  if (secret === undefined) throw notFound(name);
  const saved = await save(client, withHealth(secret, health), isDryRun, signal);
  const { resourceVersion } = saved.metadata;
  const { healthy, healthyReason } = health;
  return {
    ...present,
    metadata: {
      ...present.metadata,
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    status: { healthy, ...(healthyReason === "" ? {} : { healthyReason }) },
  };
}

async function readHealth(exchange: Exchange, present: ClusterGateway): Promise<Health> {
  const { name } = present.metadata;
  const given = await readStatus(exchange, present);
  const parsed = body.safeParse(given);
  if (!parsed.success) {
    const message = `Cannot set health: ${z.prettifyError(parsed.error)}`;
    throw new GatewayError("bad_request", message);
  }
  if (parsed.data.metadata.name !== name) {
    const message = `Cannot set health: the body is about "${parsed.data.metadata.name}", the path about "${name}"`;
    throw new GatewayError("bad_request", message);
  }
  const { healthy, healthyReason } = parsed.data.status;
  return { healthy, healthyReason };
}

async function readStatus(exchange: Exchange, present: ClusterGateway): Promise<unknown> {
  if (exchange.method === "PUT") return parseBody(await readBody(exchange), objectTypes);
  const form = await readPatch(exchange);
  return form.kind === "apply" ? form.body : form.change(present);
}

/** The Secret with the verdict written on it. Pure. */
export function withHealth(secret: Secret, { healthy, healthyReason }: Health): Secret {
  const annotations = {
    ...secret.metadata.annotations,
    [clusterSecretAnnotations.healthy]: String(healthy),
    [clusterSecretAnnotations.healthyReason]: healthyReason,
  };
  return { ...secret, metadata: { ...secret.metadata, annotations } };
}

/** Writes it, if nobody has written to the Secret in between. */
async function save(
  client: Pick<KubeClient, "replace">,
  secret: Secret,
  dryRun: boolean,
  signal: AbortSignal,
): Promise<Secret> {
  try {
    return await client.replace(secrets, secret, signal, { dryRun });
  } catch (cause) {
    const { name } = secret.metadata;
    if (isApiError(cause, "conflict")) {
      throw new GatewayError("conflict", `Health of cluster "${name}" was just written: retry`, {
        cause,
      });
    }
    throw new GatewayError("hub_unavailable", `Cannot save the health of cluster "${name}"`, {
      cause,
    });
  }
}
