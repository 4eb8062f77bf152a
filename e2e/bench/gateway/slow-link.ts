import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A relay of this process that stands for a long way. */
export interface SlowLink extends Disposable {
  readonly port: number;
}

/** Relays connections to a port of this machine; every byte takes `oneWayMs`, each way. */
export async function startSlowLink(targetPort: number, oneWayMs: number): Promise<SlowLink> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect({ port: targetPort, host: "127.0.0.1", noDelay: true });
    near.setNoDelay(true);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("data", (chunk) => setTimeout(() => to.write(chunk), oneWayMs));
      from.on("error", () => undefined);
      from.once("close", () => setTimeout(() => to.destroy(), oneWayMs));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.dispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
