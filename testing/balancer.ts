import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A port on loopback that leads to several others in turn, as a Service does. */
export interface Balancer extends AsyncDisposable {
  readonly port: number;
  /** Leads to these from now on. Connections that are open go on. */
  lead(ports: readonly number[]): void;
}

/** Starts to lead connections to ports of this machine. */
export async function startBalancer(first: readonly number[]): Promise<Balancer> {
  let ports = first;
  let turn = 0;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    turn += 1;
    const far = connect(ports[turn % ports.length] ?? 0, "127.0.0.1");
    const end = () => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", end);
      socket.on("close", () => {
        sockets.delete(socket);
        end();
      });
    }
    near.pipe(far).pipe(near);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    lead: (next) => void (ports = next),
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
