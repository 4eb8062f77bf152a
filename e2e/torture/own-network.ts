import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { runCommand } from "#bed";

const mark = "SPOKEWAY_OWN_NETWORK";

/** Whether this process runs in namespaces that {@link runInOwnNetwork} has made. */
export const isInOwnNetwork = process.env[mark] === "1";

/**
 * Runs a test file once more, in network, process and mount namespaces of its own, and returns what
 * it printed. They have no names: the kernel removes them with their last process, and all of their
 * processes end with this one, also when it is killed. Nothing is left to clean up.
 *
 * Throws what it printed when a test in it fails. Needs root.
 */
export async function runInOwnNetwork(file: string, signal: AbortSignal): Promise<string> {
  const own = ["--net", "--pid", "--mount-proc", "--fork", "--kill-child"];
  const node = [process.execPath, "--test-reporter=spec", file];
  const { NODE_TEST_CONTEXT: _, ...environment } = process.env;
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", "unshare", ...own, ...node], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...environment, [mark]: "1" },
    signal,
    killSignal: "SIGKILL",
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  });
  const [output, complaints, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    ended,
  ]);
  if (code !== 0) throw new Error(`In a network of its own:\n${output}${complaints}`);
  return output;
}

const table = "inet links";

/** The loopback of a network of its own, whose packets can be lost by port. */
export class LossyLoopback {
  /** Call it once, in namespaces of its own: it changes what all processes there see. */
  static async open(): Promise<LossyLoopback> {
    if (!isInOwnNetwork) throw new Error("This is everybody's loopback: it stays as it is");
    await runCommand(["ip", "link", "set", "lo", "up"]);
    const ports = "type inet_service";
    const rules = `table ${table} {
  set cut { ${ports}; }
  set lossy { ${ports}; }
  chain input {
    type filter hook input priority filter;
    tcp dport @cut drop
    tcp sport @cut drop
    tcp dport @lossy numgen random mod 100 == 0 drop
    tcp sport @lossy numgen random mod 100 == 0 drop
  }
}
`;
    await runCommand(["nft", "-f", "-"], { input: rules });
    return new LossyLoopback();
  }

  /** From now on nothing comes through to or from these ports, and nobody is told. */
  async cut(...ports: readonly number[]): Promise<void> {
    await runCommand(["nft", "add", "element", ...table.split(" "), "cut", setOf(ports)]);
  }

  /** From now on one packet in a hundred is lost there. */
  async lose(...ports: readonly number[]): Promise<void> {
    await runCommand(["nft", "add", "element", ...table.split(" "), "lossy", setOf(ports)]);
  }

  /** All packets come through again. */
  async heal(): Promise<void> {
    for (const set of ["cut", "lossy"]) {
      await runCommand(["nft", "flush", "set", ...table.split(" "), set]);
    }
  }
}

function setOf(ports: readonly number[]): string {
  return `{ ${ports.join(", ")} }`;
}
