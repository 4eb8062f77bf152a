import { BedError } from "../bed-error.ts";
import { tryCommand } from "../command.ts";
import type { FullClusterPlan } from "./addresses.ts";
import { machineNamespace, namespacePath, routerNamespace } from "./layout.ts";

/** What became of an attempt to connect. Only `silence` says that something let nothing through. */
export type Reached = "answer" | "refusal" | "silence" | "error";

/** An attempt to connect, and what must become of it. */
export interface Claim {
  readonly says: string;
  /** The network namespace from which to connect. */
  readonly from: string;
  readonly address: string;
  readonly port: number;
  readonly expect: "answer" | "silence";
}

const connectTimeoutSeconds = 2;
const kubeletPort = 10_250;

/**
 * What must be so of a network in which the hub cannot reach a managed cluster. Beside each
 * "no answer" stands an answer: from the router, so that the listener is known to be there and
 * only the rules between are left as the reason; and from the hub itself, so that its network
 * is known to work.
 */
export function isolationClaims(clusters: readonly FullClusterPlan[]): readonly Claim[] {
  const [hub, ...managed] = clusters;
  if (hub === undefined) return [];
  return managed.flatMap((cluster): readonly Claim[] => {
    const others = managed.filter((other) => other !== cluster);
    return [
      connect(cluster, hub, "answer", "the hub's API server"),
      connect("router", cluster, "answer", "its API server"),
      connect("router", cluster, "answer", "its kubelet", kubeletPort),
      connect(hub, hub, "answer", "its own API server"),
      connect(hub, cluster, "silence", "the managed API server"),
      connect(hub, cluster, "silence", "the managed kubelet", kubeletPort),
    ].concat(others.map((other) => connect(cluster, other, "silence", "another's API server")));
  });
}

function connect(
  from: FullClusterPlan | "router",
  to: FullClusterPlan,
  expect: Claim["expect"],
  what: string,
  port: number = to.addresses.apiServerPort,
): Claim {
  const who = from === "router" ? `the router of ${to.name}` : from.name;
  return {
    says: `${who} ${expect === "answer" ? "reaches" : "gets no answer from"} ${what}`,
    from: from === "router" ? routerNamespace : machineNamespace(from.name),
    address: to.node.address,
    port,
    expect,
  };
}

/** Tries to open a TCP connection from one network namespace of the bed. */
export async function reach({
  from,
  address,
  port,
}: Omit<Claim, "says" | "expect">): Promise<Reached> {
  const target = `TCP:${address}:${port},connect-timeout=${connectTimeoutSeconds}`;
  const { code, stderr } = await tryCommand(
    ["nsenter", `--net=${namespacePath(from)}`, "socat", "-u", "OPEN:/dev/null", target],
    { timeoutMs: 20_000, env: { LC_ALL: "C" } },
  );
  return judgeConnection(code, stderr);
}

/** Reads how socat's attempt to connect ended. */
export function judgeConnection(code: number | null, stderr: string): Reached {
  if (code === 0) return "answer";
  if (stderr.includes("Connection timed out")) return "silence";
  return stderr.includes("Connection refused") ? "refusal" : "error";
}

/** Tries all claims at once and returns, as sentences, those which do not hold. */
export async function brokenClaims(claims: readonly Claim[]): Promise<readonly string[]> {
  const results = await Promise.all(
    claims.map(async (claim) => ({ claim, reached: await reach(claim) })),
  );
  return results
    .filter(({ claim, reached }) => reached !== claim.expect)
    .map(({ claim, reached }) => `not so: ${claim.says} (there was: ${reached})`);
}

/** Tries all claims at once. Throws a `claim` error that names those which do not hold. */
export async function assertClaims(claims: readonly Claim[]): Promise<void> {
  const broken = await brokenClaims(claims);
  if (broken.length > 0) throw new BedError("claim", broken.join("; "));
}
