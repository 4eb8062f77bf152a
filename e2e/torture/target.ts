import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

/** What a connection's first byte asks of the target. */
export const wishes = {
  /** Sends back what it is sent, this byte included. */
  echo: "e",
  /** Sends for as long as it is let. */
  endless: "d",
} as const;

/** What is reached through a tunnel: a TCP server in this process. */
export interface Target extends AsyncDisposable {
  readonly port: number;
  /** Connections that are open now. */
  readonly connections: number;
}

/** Starts a target on loopback that does what each connection wishes. */
export async function startTarget(): Promise<Target> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    socket.once("data", (first: Buffer) => {
      if (first[0] === wishes.endless.charCodeAt(0)) return writeForever(socket);
      socket.write(first);
      socket.pipe(socket);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return sockets.size;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}

function writeForever(socket: Socket): void {
  const chunk = Buffer.alloc(64 * 1024, "d");
  const write = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on("drain", write);
  write();
}
