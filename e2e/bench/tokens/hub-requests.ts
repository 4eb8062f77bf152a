import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { agentUser } from "../../../agent/tokens/token-bed.ts";

const policy = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: Metadata, users: [${agentUser}]}
- {level: None}
`;

interface AuditLine {
  readonly verb: string;
  readonly stage: string;
}

const writeVerbs: ReadonlySet<string> = new Set(["create", "update", "patch", "delete"]);

/** How often the agent asked the hub. A watch counts when it begins. */
export interface RequestCount {
  readonly all: number;
  readonly writes: number;
}

/** What the agent asks the hub for, as the hub's own audit log tells it. */
export class HubRequests {
  readonly #log: string;
  #offset = 0;

  private constructor(log: string) {
    this.#log = log;
  }

  /** Prepares the log in that directory; `flags` make an API server write it. */
  static async prepare(
    directory: string,
  ): Promise<{ readonly requests: HubRequests; readonly flags: readonly string[] }> {
    const path = join(directory, "audit-policy.yaml");
    const log = join(directory, "audit.log");
    await writeFile(path, policy);
    const flags = [`--audit-policy-file=${path}`, `--audit-log-path=${log}`];
    return { requests: new HubRequests(log), flags };
  }

  /** What was asked since the last call. */
  async count(): Promise<RequestCount> {
    const lines = await this.#readNew();
    const begun = lines.filter(({ verb, stage }) =>
      verb === "watch" ? stage === "ResponseStarted" : stage === "ResponseComplete",
    );
    const writes = begun.filter(({ verb }) => writeVerbs.has(verb)).length;
    return { all: begun.length, writes };
  }

  async #readNew(): Promise<readonly AuditLine[]> {
    await using file = await open(this.#log, "r");
    const { size } = await file.stat();
    const { buffer } = await file.read(Buffer.alloc(size - this.#offset), {
      position: this.#offset,
    });
    // The last line may be in the middle of being written.
    const end = buffer.lastIndexOf("\n") + 1;
    this.#offset += end;
    const lines = buffer.subarray(0, end).toString().split("\n");
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as AuditLine);
  }
}
