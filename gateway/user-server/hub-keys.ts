import * as z from "zod";
import type { KubeClient } from "#kube";
import { GatewayError } from "../answers/gateway-error.ts";

/** The keys that the hub signs ServiceAccount tokens with. */
export interface HubKeys {
  /** Whether a key of this id is the hub's. Throws a GatewayError `hub_unavailable`. */
  has(keyId: string): Promise<boolean>;
}

const keySet = z.looseObject({
  keys: z.array(z.looseObject({ kid: z.string().default("") })),
});

/** A key that is not known makes us look again, but not more often than this. */
const cooldownMs = 15_000;
const timeoutMs = 10_000;

/** Reads the keys that the hub's API server publishes, again whenever a strange one is asked about. */
export function createHubKeys(
  client: Pick<KubeClient, "raw">,
  now: () => number = Date.now,
): HubKeys {
  let known: ReadonlySet<string> = new Set();
  let readAtMs = Number.NEGATIVE_INFINITY;
  let pending: Promise<void> | undefined;
  const read = async (): Promise<void> => {
    try {
      const document = await client.raw("/openid/v1/jwks", AbortSignal.timeout(timeoutMs));
      known = new Set(keySet.parse(JSON.parse(document)).keys.map(({ kid }) => kid));
      readAtMs = now();
    } catch (cause) {
      const message = "Cannot authenticate: the keys of the hub's API server cannot be read";
      throw new GatewayError("hub_unavailable", message, { cause });
    }
  };
  return {
    async has(keyId) {
      if (known.has(keyId)) return true;
      if (now() - readAtMs >= cooldownMs) {
        pending ??= read().finally(() => {
          pending = undefined;
        });
        await pending;
      }
      return known.has(keyId);
    },
  };
}
