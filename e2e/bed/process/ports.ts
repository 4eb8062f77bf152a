import { createServer } from "node:net";
import { BedError } from "../bed-error.ts";

// Below the range from which the kernel takes the ports of outgoing connections.
const firstPort = 20_000;
const lastPort = 32_000;
const tries = 200;

/** As many ports as were asked for, so that taking them apart needs no defaults. */
type Ports<Count extends number, Found extends number[] = []> = number extends Count
  ? readonly number[]
  : Found["length"] extends Count
    ? Readonly<Found>
    : Ports<Count, [...Found, number]>;

/** Finds ports of 127.0.0.1 that nothing listens on now, all different. */
export async function findFreePorts<Count extends number>(
  count: Count,
  random: () => number = Math.random,
): Promise<Ports<Count>> {
  const found = new Set<number>();
  for (let tried = 0; tried < tries && found.size < count; tried += 1) {
    const port = firstPort + Math.floor(random() * (lastPort - firstPort));
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  if (found.size < count) throw new BedError("busy", "Cannot find enough free loopback ports");
  return [...found] as unknown as Ports<Count>;
}

/** Whether 127.0.0.1 lets us listen on that port. */
export async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1" }, () => server.close(() => resolve(true)));
  });
}
