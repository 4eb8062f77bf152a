import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { installPackages } from "../../bed/packages.ts";
import { createProgress } from "../../bed/progress.ts";
import { processTools } from "../../bed/tool-modules.ts";
import { buildTools } from "../../bed/toolchain.ts";
import { publish } from "../report.ts";
import { keyKinds } from "./bench-authority.ts";
import { BenchBed, repository } from "./bench-bed.ts";
import { type Effort, measureAll, type Runs } from "./cases.ts";
import { findingsOf } from "./findings.ts";

const efforts = {
  full: {
    repetitions: 3,
    seconds: 5,
    warmUpSeconds: 1,
    watches: 1000,
    watchRepetitions: 2,
    requests: [1000, 10_000],
  },
  quick: {
    repetitions: 1,
    seconds: 3,
    warmUpSeconds: 1,
    watches: 1000,
    watchRepetitions: 1,
    requests: [1000, 10_000],
  },
} as const satisfies Readonly<Record<string, Effort>>;

const progress = createProgress((line) => process.stderr.write(line));
const { values } = parseArgs({
  options: { quick: { type: "boolean" }, keys: { type: "string", default: "rsa" } },
});
const isQuick = values.quick === true;
const keys = keyKinds.find((kind) => kind === values.keys);
if (keys === undefined) throw new Error(`--keys: expected ${keyKinds.join(" or ")}`);
/** Of the files that are written. */
const name = keys === "rsa" ? "gateway" : `gateway-${keys}`;

async function writeRuns({ loads, watches }: Runs): Promise<void> {
  const all = { loads: Object.fromEntries(loads), watches: Object.fromEntries(watches) };
  await mkdir(join(repository, ".bench"), { recursive: true });
  await writeFile(
    join(repository, ".bench", `${name}-runs.json`),
    JSON.stringify(all, undefined, 1),
  );
}

await installPackages(progress, [{ name: "nghttp2-client" }]);
await buildTools(processTools, progress);
await using bench = await progress.step("clusters, tunnel and gateway", async () =>
  BenchBed.start(keys),
);
const runs = await measureAll(bench, isQuick ? efforts.quick : efforts.full, (line) =>
  progress.say(line),
);
await writeRuns(runs);
const findings = findingsOf(runs);
await publish(repository, name, findings);
if (findings.some(({ holds }) => !holds)) process.exitCode = 1;
