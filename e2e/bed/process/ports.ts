import { createServer } from "node:net";
import { BedError } from "../bed-error.ts";

// Below the range from which the kernel takes the ports of outgoing connections.
const firstPort = 20_000;
const lastPort = 32_000;
const tries = 200;

/** Finds ports of 127.0.0.1 that nothing listens on now, all different. */
export async function findFreePorts(
  count: number,
  random: () => number = Math.random,
): Promise<readonly number[]> {
  const found = new Set<number>();
  for (let tried = 0; tried < tries && found.size < count; tried += 1) {
    const port = firstPort + Math.floor(random() * (lastPort - firstPort));
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  if (found.size < count) throw new BedError("busy", "Cannot find enough free loopback ports");
  return [...found];
}

/** Whether 127.0.0.1 lets us listen on that port. */
export async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1" }, () => server.close(() => resolve(true)));
  });
}
