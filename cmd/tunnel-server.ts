import { run } from "./options/tunnel-server.ts";

/** The hub's end of the tunnel: joins frontends and agents. */
process.exitCode = await run(process.argv.slice(2));
