import { runProcess } from "./options/process.ts";
import { tunnelServer } from "./options/tunnel-server.ts";

/** The hub's end of the tunnel: joins frontends and agents. */
process.exitCode = await runProcess(tunnelServer, process.argv.slice(2));
