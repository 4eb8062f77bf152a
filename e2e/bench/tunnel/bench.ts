import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Finding, publish } from "../report.ts";
import { memoryCases } from "./memory.ts";
import { absenceCase, restartCases } from "./outages.ts";
import { readerCases } from "./readers.ts";
import { Bench } from "./stack.ts";
import { farCases, mixedCases, nearCases } from "./throughput.ts";

/** Measures the tunnel beside Go's, all as separate processes: `bench.ts [--quick] [--only=CASES]`. */
const { values } = parseArgs({
  options: { quick: { type: "boolean", default: false }, only: { type: "string", default: "" } },
});
const repository = join(import.meta.dirname, "..", "..", "..");
const full = {
  near: { rounds: 3, seconds: 3, warmUpSeconds: 2, dials: 800 },
  mixed: { rounds: 2, seconds: 2, warmUpSeconds: 1, dials: 2 },
  far: { rounds: 2, seconds: 3, warmUpSeconds: 2, dials: 30 },
} as const;
const quick = {
  near: { rounds: 1, seconds: 2, warmUpSeconds: 1, dials: 200 },
  far: { rounds: 1, seconds: 2, warmUpSeconds: 1, dials: 10 },
} as const;

type Groups = Readonly<Record<string, (bench: Bench) => Promise<readonly Finding[]>>>;

const groups: Groups = values.quick
  ? {
      near: (bench) => nearCases(bench, quick.near),
      far: (bench) => farCases(bench, quick.far),
      readers: (bench) => readerCases(bench, 3),
      memory: (bench) => memoryCases(bench, { agents: 200, settleMs: 2000 }),
      restarts: (bench) => restartCases(bench, 1),
    }
  : {
      near: (bench) => nearCases(bench, full.near),
      mixed: (bench) => mixedCases(bench, full.mixed),
      far: (bench) => farCases(bench, full.far),
      readers: (bench) => readerCases(bench, 12),
      memory: (bench) => memoryCases(bench, { agents: 1000, settleMs: 5000 }),
      restarts: (bench) => restartCases(bench, 3),
      absence: async (bench) => [await absenceCase(bench, 20)],
    };

const wanted = values.only === "" ? Object.keys(groups) : values.only.split(",");
await using bench = await Bench.start();
const findings: Finding[] = [];
for (const [name, measure] of Object.entries(groups)) {
  if (!wanted.includes(name)) continue;
  process.stdout.write(`Measuring: ${name}\n`);
  findings.push(...(await measure(bench)));
}
await publish(repository, "tunnel", findings);
process.exitCode = findings.every(({ holds }) => holds) ? 0 : 1;
