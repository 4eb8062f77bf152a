import { BedError } from "../bed-error.ts";
import { type CommandResult, tryCommand } from "../command.ts";
import { bedCgroup, machineCgroup, routerNamespace } from "./layout.ts";
import { findSupervisors, onMachine } from "./machine.ts";
import { inNamespace } from "./network.ts";
import { isInCgroup, listProcesses } from "./processes.ts";

/**
 * Cuts a cluster off from all others, at once and without a word to anyone: packets of open
 * connections are dropped too. The host still reaches its API server.
 */
export async function cutCluster(cluster: string): Promise<void> {
  await changeCut("add", cluster);
}

/** Takes the cut back. A cluster that is not cut is left alone. */
export async function healCluster(cluster: string): Promise<void> {
  // Deleting what is not there is an error to nft; adding what is there is none.
  await cutCluster(cluster);
  await changeCut("delete", cluster);
}

async function changeCut(verb: "add" | "delete", cluster: string): Promise<void> {
  await inNamespace(routerNamespace, [
    "nft",
    verb,
    "element",
    "ip",
    "bed",
    "cut",
    `{ "${cluster}" }`,
  ]);
}

/** Runs a command on the machine of a cluster, as its root, whatever its exit code. */
export async function execOn(
  cluster: string,
  argv: readonly string[],
  input?: string,
): Promise<CommandResult> {
  const inside = await onMachine(cluster);
  return tryCommand([...inside, ...argv], input === undefined ? {} : { input });
}

/**
 * Kills one program of a machine, such as `kube-apiserver` or `ocm-work-agent`; a second later
 * it is started again. Throws an `ended` error where no such program is kept running.
 */
export async function restartProgram(cluster: string, program: string): Promise<void> {
  for (const pid of await programPids(cluster, program)) process.kill(pid, "SIGKILL");
}

/**
 * The processes of one program of a machine: none in the moment before it is started again.
 * Throws an `ended` error where no such program is kept running.
 */
export async function programPids(cluster: string, program: string): Promise<readonly number[]> {
  const processes = await listProcesses();
  const supervisor = findSupervisors(processes, machineCgroup(cluster)).get(program);
  if (supervisor === undefined) {
    throw new BedError("ended", `${program} is not kept running on ${cluster}`);
  }
  return processes.filter(({ parent }) => parent === supervisor.pid).map(({ pid }) => pid);
}

/**
 * Kills the container of a cluster whose first process has this argument, such as
 * `/app/gateway.mjs`: the oldest, where there are several. The kubelet starts it again. Throws an
 * `ended` error where there is none.
 */
export async function killContainer(cluster: string, argument: string): Promise<void> {
  const [oldest] = await containerPids(cluster, argument);
  if (oldest === undefined) {
    throw new BedError("ended", `No container of ${cluster} runs ${argument}`);
  }
  process.kill(oldest, "SIGKILL");
}

/** The first processes of the containers of a cluster that have this argument, oldest first. */
export async function containerPids(cluster: string, argument: string): Promise<readonly number[]> {
  return (await listProcesses())
    .filter(
      (facts) =>
        isInCgroup(facts, `${bedCgroup}/${cluster}`) &&
        facts.namespacePids.at(-1) === 1 &&
        facts.argv.includes(argument),
    )
    .map(({ pid }) => pid)
    .toSorted((one, other) => one - other);
}
