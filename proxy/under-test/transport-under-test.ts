import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { createTransport, type Transport, type TransportOptions } from "../transport/transport.ts";

/** What `#testing` starts, as much of it as this file needs. */
interface Upstream {
  readonly caPem: string;
  dial(): Promise<Duplex>;
}

/** A transport to an upstream of the test kit, ended with the test. */
export function transportTo(
  upstream: Upstream,
  options: TransportOptions = {},
  dial: () => Promise<Duplex> = () => upstream.dial(),
  dialEarly?: () => Promise<Duplex>,
): Transport & Disposable {
  const transport = createTransport(
    {
      authority: "upstream.test:6443",
      dial,
      ...(dialEarly === undefined ? {} : { dialEarly }),
      tls: { ca: upstream.caPem, serverName: "upstream.test" },
    },
    options,
  );
  return Object.assign(transport, { [Symbol.dispose]: () => transport.destroy() });
}

/** Waits until `isTrue`, for two seconds at most. */
export async function eventually(
  what: string,
  isTrue: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let tries = 0; tries < 400; tries += 1) {
    if (await isTrue()) return;
    await delay(5);
  }
  assert.fail(`not in time: ${what}`);
}
