import { createServer } from "node:net";
import { BedError } from "../bed-error.ts";

// An abstract socket: the kernel takes it back when its process ends, however it ends.
const lockName = "\0spokeway-bed";

/** Keeps all other commands of any checkout's bed out while `work` runs. */
export async function withBedLock<T>(work: () => Promise<T>): Promise<T> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      reject(new BedError("busy", "Another command of the bed is at work", { cause }));
    });
    server.listen(lockName, resolve);
  });
  try {
    return await work();
  } finally {
    server.close();
  }
}
