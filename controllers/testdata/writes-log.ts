import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const credentialId = "authentication.kubernetes.io/credential-id";
const writeVerbs: ReadonlySet<string> = new Set(["create", "update", "patch", "delete"]);

interface AuditLine {
  readonly verb: string;
  readonly user: { readonly extra?: Readonly<Record<string, readonly string[]>> };
  readonly objectRef?: { readonly resource: string; readonly subresource?: string };
}

/** What users write to an API server, told apart by the credential that each process has. */
export class WritesLog implements AsyncDisposable {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Prepares a log of all writes of those users, in a directory of its own. */
  static async of(users: readonly string[]): Promise<WritesLog> {
    const log = new WritesLog(await mkdtemp(join(tmpdir(), "spokeway-writes-")));
    const rules = [
      { level: "Metadata", users, verbs: [...writeVerbs] },
      { level: "None" },
    ];
    const omitStages = ["RequestReceived", "ResponseStarted", "Panic"];
    const policy = { apiVersion: "audit.k8s.io/v1", kind: "Policy", omitStages, rules };
    await writeFile(log.#path("policy.yaml"), JSON.stringify(policy));
    return log;
  }

  /** Flags that make an API server keep it. */
  get flags(): readonly string[] {
    return [
      `--audit-policy-file=${this.#path("policy.yaml")}`,
      `--audit-log-path=${this.#path("audit.log")}`,
      "--audit-log-mode=blocking",
    ];
  }

  /** The resources that were written until now, by credential. */
  async written(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
    const text = await readFile(this.#path("audit.log"), "utf8");
    // The last line may be in the middle of being written.
    const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
    const written = new Map<string, Set<string>>();
    for (const line of lines.filter((each) => each !== "")) {
      const { user, objectRef } = JSON.parse(line) as AuditLine;
      const credential = user.extra?.[credentialId]?.join() ?? "";
      const { resource = "", subresource } = objectRef ?? {};
      const known = written.get(credential) ?? new Set<string>();
      known.add(subresource === undefined ? resource : `${resource}/${subresource}`);
      written.set(credential, known);
    }
    return written;
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}
