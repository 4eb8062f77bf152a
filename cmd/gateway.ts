import { gateway } from "./options/gateway.ts";
import { runProcess } from "./options/process.ts";

/** The hub's way to the APIs of managed clusters. */
process.exitCode = await runProcess(gateway, process.argv.slice(2));
