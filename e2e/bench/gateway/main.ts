import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { installPackages } from "../../bed/packages.ts";
import { createProgress } from "../../bed/progress.ts";
import { processTools } from "../../bed/tool-modules.ts";
import { buildTools } from "../../bed/toolchain.ts";
import { publish } from "../report.ts";
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
const isQuick = process.argv.includes("--quick");

async function writeRuns({ loads, watches }: Runs): Promise<void> {
  const all = { loads: Object.fromEntries(loads), watches: Object.fromEntries(watches) };
  await mkdir(join(repository, ".bench"), { recursive: true });
  await writeFile(
    join(repository, ".bench", "gateway-runs.json"),
    JSON.stringify(all, undefined, 1),
  );
}

await installPackages(progress, [{ name: "nghttp2-client" }]);
await buildTools(processTools, progress);
await using bench = await progress.step("clusters, tunnel and gateway", async () =>
  BenchBed.start(),
);
const runs = await measureAll(bench, isQuick ? efforts.quick : efforts.full, (line) =>
  progress.say(line),
);
await writeRuns(runs);
const findings = findingsOf(runs);
await publish(repository, "gateway", findings);
if (findings.some(({ holds }) => !holds)) process.exitCode = 1;
