import { runCommand, tryCommand } from "./command.ts";
import type { Progress } from "./progress.ts";

/** A Debian package, and others that do as well where somebody has installed them. */
export interface DebianPackage {
  readonly name: string;
  readonly alternatives?: readonly string[];
}

/** What the full bed needs of Debian. */
export const debianPackages: readonly DebianPackage[] = [
  { name: "buildah" },
  { name: "busybox-static" },
  { name: "ca-certificates" },
  { name: "containerd", alternatives: ["containerd.io"] },
  { name: "containernetworking-plugins" },
  { name: "gcc" },
  { name: "iproute2" },
  { name: "libc6-dev" },
  { name: "nftables" },
  { name: "openssl" },
  { name: "runc", alternatives: ["containerd.io"] },
  { name: "socat" },
];

const installLimitMs = 10 * 60_000;

/** The packages that are not installed, from what `dpkg-query -f '${Package} ${Status}\n'` prints. */
export function missingPackages(
  wanted: readonly DebianPackage[],
  printed: string,
): readonly string[] {
  const installed = new Set(
    printed
      .split("\n")
      .filter((line) => line.endsWith(" install ok installed"))
      .map((line) => line.split(" ")[0]),
  );
  return wanted
    .filter(
      ({ name, alternatives = [] }) => ![name, ...alternatives].some((one) => installed.has(one)),
    )
    .map(({ name }) => name);
}

/** Installs what is missing. Fetches the lists of packages only where apt cannot do without. */
export async function installPackages(
  progress: Progress,
  wanted: readonly DebianPackage[] = debianPackages,
): Promise<void> {
  const missing = await findMissing(wanted);
  if (missing.length === 0) return;
  await progress.step(`installing ${missing.join(" ")}`, async () => {
    if (await install(missing)) return;
    await runCommand(["apt-get", "update", "-q"], { timeoutMs: installLimitMs });
    if (!(await install(missing))) await runCommand(installArguments(missing), installOptions);
  });
}

async function findMissing(wanted: readonly DebianPackage[]): Promise<readonly string[]> {
  const format = "-f=${Package} ${Status}\\n";
  const names = wanted.flatMap(({ name, alternatives = [] }) => [name, ...alternatives]);
  const { stdout } = await tryCommand(["dpkg-query", "-W", format, ...names]);
  return missingPackages(wanted, stdout);
}

const installOptions = {
  timeoutMs: installLimitMs,
  env: { DEBIAN_FRONTEND: "noninteractive" },
} as const;

async function install(packages: readonly string[]): Promise<boolean> {
  const { code } = await tryCommand(installArguments(packages), installOptions);
  return code === 0;
}

function installArguments(packages: readonly string[]): readonly string[] {
  // Whatever is on this machine stays there.
  return ["apt-get", "install", "-y", "-q", "--no-install-recommends", "--no-remove", ...packages];
}
