import { BedError, clientTools, findTools } from "#bed";
import { type Background, startProgram } from "./background.ts";

/** What a handler of an informer was told. */
export interface InformerEvent {
  /** `concluded`: gone, as a list showed, since nobody saw the end of it. */
  readonly kind: "add" | "update" | "delete" | "concluded" | "synced";
  readonly name?: string;
  readonly resourceVersion?: string;
  /** The version before, of an update. */
  readonly before?: string;
}

/** A controller in Go that watches ConfigMaps, as one that our users run. */
export interface Informer extends AsyncDisposable {
  readonly events: readonly InformerEvent[];
  /** Whether its cache has been filled. Throws when it has ended. */
  isSynced(): boolean;
}

/** Starts an informer of one of Go's libraries on the ConfigMaps of a namespace. */
export async function startInformer(
  kubeconfig: string,
  namespace: string,
  library: "client-go" | "controller-runtime" = "client-go",
): Promise<Informer> {
  const program = (await findTools(clientTools)).path("informer");
  const args = ["--library", library, "--kubeconfig", kubeconfig, "--namespace", namespace];
  const running = startProgram([program, ...args]);
  return {
    get events() {
      return parseEvents(running);
    },
    isSynced() {
      if (!running.isRunning) throw new BedError("ended", `The informer ended: ${running.stderr}`);
      return parseEvents(running).some(({ kind }) => kind === "synced");
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

/** The last line may not be whole yet. */
function parseEvents({ stdout }: Background): readonly InformerEvent[] {
  const lines = stdout.split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as InformerEvent);
}

/** What became of each object, in order: the versions that were seen, and its end. */
export function historiesOf(
  events: readonly InformerEvent[],
): Readonly<Record<string, readonly string[]>> {
  const histories: Record<string, string[]> = {};
  for (const { kind, name, resourceVersion = "" } of events) {
    if (name === undefined) continue;
    const history = (histories[name] ??= []);
    history.push(kind === "delete" || kind === "concluded" ? kind : resourceVersion);
  }
  return histories;
}

/** Updates that changed nothing: what a handler is told again after a new list. */
export function repetitionsIn(events: readonly InformerEvent[]): readonly InformerEvent[] {
  return events.filter(({ kind, before, resourceVersion }) => {
    return kind === "update" && before === resourceVersion;
  });
}
