import { controller } from "./options/controller.ts";
import { runProcess } from "./options/process.ts";

process.exitCode = await runProcess(controller, process.argv.slice(2));
