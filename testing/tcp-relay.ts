import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A relay on loopback that stands for the network between two programs. */
export interface TcpRelay extends AsyncDisposable {
  readonly port: number;
  /** Ends all connections and refuses new ones, as a host that is down. */
  cut(): void;
  /** Keeps all connections open but carries nothing, as a network that drops packets. */
  stall(): void;
  /** Carries again. */
  heal(): void;
  /** From now on new connections are as long as that: all bytes are held for so long, each way. */
  lengthen(ms: number): void;
}

/** Starts to relay to a port of this machine. */
export async function startTcpRelay(targetPort: number): Promise<TcpRelay> {
  const sockets = new Set<Socket>();
  let state: "open" | "cut" | "stalled" = "open";
  let delayMs = 0;
  const server = createServer((near) => {
    if (state === "cut") {
      near.destroy();
      return;
    }
    const far = connect(targetPort, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      const pass = (chunk: Buffer) => void (state === "open" && to.write(chunk));
      const later = delayMs === 0 ? pass : delayed(pass, delayMs);
      from.on("data", later);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      state = "cut";
      drop();
    },
    stall: () => void (state = "stalled"),
    lengthen: (ms) => void (delayMs = ms),
    heal() {
      // What was swallowed while it was stalled is lost: those connections are of no use.
      if (state === "stalled") drop();
      state = "open";
    },
    async [Symbol.asyncDispose]() {
      drop();
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}

/** Timers of one length end in the order in which they began, so bytes stay in theirs. */
function delayed(pass: (chunk: Buffer) => void, ms: number) {
  return (chunk: Buffer): void => void setTimeout(pass, ms, chunk);
}
