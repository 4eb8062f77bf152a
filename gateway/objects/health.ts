import * as z from "zod";
import type { ClusterGateway } from "#api";
import type { Exchange } from "#proxy";
import { answerJson } from "../answers/answer.ts";
import { unknownCluster } from "../answers/cluster-errors.ts";
import { GatewayError } from "../answers/gateway-error.ts";
import type { ClusterOrigin, Health } from "../clusters/cluster-source.ts";
import type { ClusterStore } from "../clusters/cluster-store.ts";
import { objectTypes, parseBody, readBody } from "./body.ts";
import { readPatch, writeRequestOf } from "./write-requests.ts";

const body = z.looseObject({
  metadata: z.looseObject({ name: z.string() }),
  status: z
    .looseObject({ healthy: z.boolean().default(false), healthyReason: z.string().default("") })
    .prefault({}),
});

export interface HealthApiOptions {
  readonly clusters: Pick<ClusterStore, "shown">;
  readonly origin: Pick<ClusterOrigin, "keepHealth" | "layout">;
}

/** Makes the health subresource: GET shows the cluster, PUT and PATCH keep a verdict. */
export function createHealthApi(
  options: HealthApiOptions,
): (exchange: Exchange, name: string, query: string) => Promise<void> {
  return async (exchange, name, query) => {
    const present = options.clusters.shown(name);
    if (present === undefined) throw unknownCluster(name, options.origin.layout);
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
  { origin }: HealthApiOptions,
): Promise<ClusterGateway> {
  const request = writeRequestOf(exchange, new URLSearchParams(query));
  const resourceVersion = await origin.keepHealth(present.metadata.name, health, request);
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
