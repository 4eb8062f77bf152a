import cluster from "node:cluster";
import { gateway } from "./options/gateway.ts";
import { runProcess } from "./options/process.ts";

/** The hub's way to the APIs of managed clusters. */
process.exitCode = await runProcess(gateway, process.argv.slice(2));
// As long as it is connected to whoever started it, a worker would not end.
cluster.worker?.disconnect();
