import { runProcess } from "./options/process.ts";
import { userServer } from "./options/user-server.ts";

/** The hub's door to managed clusters and their Services. */
process.exitCode = await runProcess(userServer, process.argv.slice(2));
