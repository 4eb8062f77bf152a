import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { type CommandResult, tryCommand } from "../../e2e/bed/command.ts";
import { findTools } from "../../e2e/bed/toolchain.ts";

/** Where the charts are. */
export const chartsDirectory = join(import.meta.dirname, "..");

/** One rendered object. Its parts are looked at by path; see `at`. */
export interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** The real helm, with a home of its own. */
export class Helm implements AsyncDisposable {
  readonly #program: string;
  readonly #home: string;

  private constructor(program: string, home: string) {
    this.#program = program;
    this.#home = home;
  }

  static async open(): Promise<Helm> {
    const program = (await findTools(["helm"])).path("helm");
    return new Helm(program, await mkdtemp(join(tmpdir(), "spokeway-helm-")));
  }

  /** Runs helm, whatever comes of it. */
  async try(
    args: readonly string[],
    kubeconfig = join(this.#home, "none"),
  ): Promise<CommandResult> {
    return tryCommand([this.#program, ...args], {
      cwd: chartsDirectory,
      env: {
        KUBECONFIG: kubeconfig,
        HELM_CACHE_HOME: this.#home,
        HELM_CONFIG_HOME: this.#home,
        HELM_DATA_HOME: this.#home,
      },
    });
  }

  /** Runs helm; throws with what it said when it fails. */
  async run(args: readonly string[], kubeconfig?: string): Promise<string> {
    const { code, stdout, stderr } = await this.try(args, kubeconfig);
    if (code === 0) return stdout;
    throw new Error(`helm ${args.join(" ")} ended with ${code}: ${stderr}`);
  }

  /** What a chart renders in namespace `hub`, release `test`. */
  async render(chart: string, ...flags: readonly string[]): Promise<readonly Rendered[]> {
    const yaml = await this.run(["template", "test", chart, "--namespace=hub", ...flags]);
    return parseAllDocuments(yaml)
      .map((document) => document.toJS() as Rendered | null)
      .filter((object) => object !== null);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#home, { recursive: true, force: true });
  }
}

/** The one object of that kind and name; throws when there is none. */
export function find(objects: readonly Rendered[], kind: string, name: string): Rendered {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  if (found === undefined) throw new Error(`Nothing renders ${kind} ${name}`);
  return found;
}

/** The value at a path into an object, `undefined` where it leads nowhere. */
export function at(object: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null
        ? (value as Record<string | number, unknown>)[key]
        : undefined,
    object,
  );
}
