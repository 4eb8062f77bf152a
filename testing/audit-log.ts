import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const credentialId = "authentication.kubernetes.io/credential-id";
const writeVerbs: ReadonlySet<string> = new Set([
  "create",
  "update",
  "patch",
  "delete",
  "deletecollection",
]);

/** Questions about oneself look like writes, but change nothing. */
const harmless: ReadonlySet<string> = new Set(["selfsubjectreviews"]);

interface AuditLine {
  readonly verb: string;
  readonly user: { readonly extra?: Readonly<Record<string, readonly string[]>> };
  readonly objectRef?: {
    readonly resource: string;
    readonly subresource?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code?: number };
  readonly stageTimestamp: string;
}

/** A request that an API server has answered, or begun to answer when it is a watch. */
export interface AuditedRequest {
  /** Tells the token or certificate apart with which it came. */
  readonly credential: string;
  readonly verb: string;
  /** Such as `secrets` or `serviceaccounts/token`. */
  readonly resource: string;
  /** Empty for what has no name yet. */
  readonly name: string;
  readonly code: number;
  readonly answeredAt: Date;
}

/** What some users ask of an API server, told apart by the credential that each process has. */
export class AuditLog implements AsyncDisposable {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Prepares a log of all writes of those users, and of more verbs, in a directory of its own. */
  static async of(users: readonly string[], more: readonly string[] = []): Promise<AuditLog> {
    const log = new AuditLog(await mkdtemp(join(tmpdir(), "spokeway-audit-")));
    const verbs = [...writeVerbs, ...more];
    const rules = [{ level: "Metadata", users, verbs }, { level: "None" }];
    const omitStages = ["RequestReceived", "Panic"];
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

  /** All of them until now, in order. */
  async requests(): Promise<readonly AuditedRequest[]> {
    const text = await readFile(this.#path("audit.log"), "utf8");
    // The last line may be in the middle of being written.
    const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
    return lines
      .filter((line) => line !== "")
      .map((line) => requestOf(JSON.parse(line) as AuditLine));
  }

  /** The resources that were written until now, by credential. */
  async written(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
    const written = new Map<string, Set<string>>();
    for (const { credential, verb, resource } of await this.requests()) {
      if (!writeVerbs.has(verb) || harmless.has(resource)) continue;
      const known = written.get(credential) ?? new Set<string>();
      written.set(credential, known.add(resource));
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

function requestOf({ verb, user, objectRef, responseStatus, stageTimestamp }: AuditLine) {
  const { resource = "", subresource, name = "" } = objectRef ?? {};
  return {
    credential: user.extra?.[credentialId]?.join() ?? "",
    verb,
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    name,
    code: responseStatus?.code ?? 0,
    answeredAt: new Date(stageTimestamp),
  };
}
