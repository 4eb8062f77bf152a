import { installAddons, installCommands } from "./addons.ts";
import { BedError } from "./bed-error.ts";
import {
  type FullBed,
  findFullBed,
  loadImages,
  startFullBed,
  stopFullBed,
} from "./full/full-bed.ts";
import { bedRoot } from "./full/layout.ts";
import { withBedLock } from "./full/lock.ts";
import { describeBed } from "./full/status.ts";
import { buildProjectImage, projectImage } from "./images/project-image.ts";
import { installPackages } from "./packages.ts";
import { createProgress } from "./progress.ts";
import { allClusters } from "./prove/claim.ts";
import { proveBed } from "./prove/prove.ts";
import { benchTools, clientTools, fullTools, konnectivityTools } from "./tool-modules.ts";
import { buildTools } from "./toolchain.ts";

const progress = createProgress((line) => process.stderr.write(line));
const withAddons = process.env["ADDONS"] !== "none";

const commands: Readonly<Record<string, () => Promise<void>>> = {
  packages: async () => installPackages(progress),
  tools: async () => buildTools(fullTools, progress),
  "tools-konnectivity": async () => buildTools([...konnectivityTools, ...benchTools], progress),
  "tools-clients": async () => buildTools(clientTools, progress),
  image: async () => {
    await image();
  },
  up: async () => withBedLock(up),
  down: async () => withBedLock(down),
  "image-load": async () => withBedLock(imageLoad),
  prove: async () => withBedLock(prove),
  status: async () => {
    process.stdout.write(await describeBed(await findFullBed()));
  },
};

async function up(): Promise<void> {
  const managed = readManaged(process.env["CLUSTERS"]);
  await buildTools(fullTools, progress);
  const archive = await image();
  const options = { root: bedRoot, managed, projectImage: archive };
  const bed = await startFullBed(options, progress);
  if (withAddons) await installAddons(bed, progress);
  closeAll(bed);
  progress.say("ready");
  process.stdout.write(nextCommands());
}

async function down(): Promise<void> {
  await stopFullBed(bedRoot);
  progress.say("nothing of the bed is left");
}

async function image(): Promise<string> {
  const target = await projectImage();
  const wasBuilt = await progress.step(`image ${target.name}`, async () =>
    buildProjectImage(target),
  );
  if (!wasBuilt) progress.say("nothing in it has changed");
  return target.archive;
}

async function imageLoad(): Promise<void> {
  const archive = await image();
  const bed = await findFullBed();
  await loadImages(
    allClusters(bed).map(({ plan }) => plan.name),
    [archive],
  );
  closeAll(bed);
  progress.say("loaded into all clusters; pods that run keep what they have until they restart");
}

async function prove(): Promise<void> {
  const bed = await findFullBed();
  await proveBed(bed, (await projectImage()).name, progress);
  closeAll(bed);
}

function closeAll(bed: FullBed): void {
  for (const { api } of allClusters(bed)) api.close();
}

function nextCommands(): string {
  const addons = withAddons ? [] : installCommands();
  const gateway = "/apis/cluster.core.oam.dev/v1alpha1/clustergateways/managed1/proxy";
  const lines = [
    "export KUBECONFIG=$PWD/.bed/hub.kubeconfig PATH=$PWD/.bed/bin:$PATH",
    "kubectl get managedclusters",
    ...addons,
    "kubectl get managedclusteraddon -A",
    "kubectl get clustergateway",
    `kubectl get --raw=${gateway}/healthz`,
    "make down",
  ];
  return `\nTry next:\n\n${lines.map((line) => `    ${line}\n`).join("")}\n`;
}

function readManaged(value: string | undefined): number {
  const count = Number(value ?? "1");
  if (Number.isInteger(count) && count >= 1 && count <= 8) return count;
  throw new BedError("preflight", `CLUSTERS is "${value}": give a number from 1 to 8`);
}

async function main(): Promise<void> {
  const command = commands[process.argv[2] ?? ""];
  if (command === undefined) {
    throw new BedError("preflight", `Say one of: ${Object.keys(commands).join(", ")}`);
  }
  await command();
}

main().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  progress.say(`failed: ${message}`);
  if (!(error instanceof BedError)) console.error(error);
  else if (error.cause instanceof Error) progress.say(`because: ${error.cause.message}`);
  progress.say("the logs of all programs are in .bed/logs; `make down` ends what has started");
  process.exitCode = 1;
});
