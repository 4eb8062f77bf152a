import { createProgress } from "./progress.ts";
import { fullTools, konnectivityTools, processTools } from "./tool-modules.ts";
import { buildTools } from "./toolchain.ts";

const progress = createProgress((line) => process.stderr.write(line));
const [command] = process.argv.slice(2);
if (command === "tools") await buildTools([...new Set([...processTools, ...fullTools])], progress);
if (command === "tools-konnectivity") await buildTools(konnectivityTools, progress);
