import { text } from "node:stream/consumers";
import * as z from "zod";
import { clusterSecretAnnotations, type Secret, secrets } from "#api";
import { isApiError, type KubeClient } from "#kube";
import type { Exchange } from "#proxy";
import { GatewayError } from "../answers/gateway-error.ts";

const maxBodyBytes = 64 * 1024;

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

/**
 * Reads the body of a PUT on the health subresource of `name`. Throws a GatewayError
 * `bad_request` that says what is wrong with it.
 */
export async function readHealth({ body: stream }: Exchange, name: string): Promise<Health> {
  if (stream === undefined) throw new GatewayError("bad_request", "Cannot set health: no body");
  let bytes = 0;
  stream.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) stream.destroy(new RangeError("body is too long"));
  });
  const parsed = body.safeParse(await readJson(stream));
  if (!parsed.success) {
    const message = `Cannot set health: ${z.prettifyError(parsed.error)}`;
    throw new GatewayError("bad_request", message);
  }
  if (parsed.data.metadata.name !== name) {
    const message = `Cannot set health: the body is about "${parsed.data.metadata.name}", the path about "${name}"`;
    throw new GatewayError("bad_request", message);
  }
  return parsed.data.status;
}

async function readJson(stream: NonNullable<Exchange["body"]>): Promise<unknown> {
  try {
    return JSON.parse(await text(stream)) as unknown;
  } catch (cause) {
    throw new GatewayError("bad_request", "Cannot set health: the body is not JSON", { cause });
  }
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

/** Writes it, if nobody has written to the Secret in between. Throws a GatewayError. */
export async function saveHealth(
  client: Pick<KubeClient, "replace">,
  secret: Secret,
  signal: AbortSignal,
): Promise<Secret> {
  try {
    return await client.replace(secrets, secret, signal);
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
