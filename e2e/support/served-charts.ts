import { once } from "node:events";
import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import { checkout } from "./hub.ts";

export interface ServedCharts extends AsyncDisposable {
  readonly url: string;
}

/** Serves what `make charts` made, as any static file server would. */
export async function serveCharts(): Promise<ServedCharts> {
  const directory = join(checkout, ".build", "charts");
  const server = createServer((request, response) => {
    const file = createReadStream(join(directory, basename(request.url ?? "")));
    file.once("error", () => response.writeHead(404).end());
    file.pipe(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
