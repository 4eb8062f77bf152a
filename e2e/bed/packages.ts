import { runCommand, tryCommand } from "./command.ts";
import type { Progress } from "./progress.ts";

/** Debian packages of the full bed. */
export const debianPackages: readonly string[] = [
  "buildah",
  "busybox-static",
  "ca-certificates",
  "containerd",
  "containernetworking-plugins",
  "gcc",
  "iproute2",
  "libc6-dev",
  "nftables",
  "openssl",
  "runc",
  "socat",
];

const installLimitMs = 10 * 60_000;

/** The packages that are not installed, from what `dpkg-query -f '${Package} ${Status}\n'` prints. */
export function missingPackages(wanted: readonly string[], printed: string): readonly string[] {
  const installed = new Set(
    printed
      .split("\n")
      .filter((line) => line.endsWith(" install ok installed"))
      .map((line) => line.split(" ")[0]),
  );
  return wanted.filter((name) => !installed.has(name));
}

/** Installs what is missing. Fetches the lists of packages only where apt cannot do without. */
export async function installPackages(progress: Progress): Promise<void> {
  const missing = await findMissing();
  if (missing.length === 0) return;
  await progress.step(`installing ${missing.join(" ")}`, async () => {
    if (await install(missing)) return;
    await runCommand(["apt-get", "update", "-q"], { timeoutMs: installLimitMs });
    if (!(await install(missing))) await runCommand(installArguments(missing), installOptions);
  });
}

async function findMissing(): Promise<readonly string[]> {
  const format = "-f=${Package} ${Status}\\n";
  const { stdout } = await tryCommand(["dpkg-query", "-W", format, ...debianPackages]);
  return missingPackages(debianPackages, stdout);
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
  return ["apt-get", "install", "-y", "-q", "--no-install-recommends", ...packages];
}
