import { setTimeout as sleep } from "node:timers/promises";
import type { ClusterApi } from "#bed";

/** ConfigMaps that are made, changed and deleted without end. */
export interface Changes extends AsyncDisposable {
  /** Ends the changes; answers what became of each object, as {@link historiesOf} has it. */
  stop(): Promise<Readonly<Record<string, readonly string[]>>>;
}

/** Begins the names of what is changed. */
export const changePrefix = "change-";
const everyMs = 100;

/** Changes ConfigMaps of a namespace, each three times, and deletes every other of them. */
export function startChanges(api: ClusterApi, namespace: string): Changes {
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const histories: Record<string, string[]> = {};
  const stopping = new AbortController();

  async function change(name: string): Promise<void> {
    const metadata = { name };
    const history = (histories[name] ??= []);
    history.push(versionOf(await api.create(path, { metadata, data: { step: "0" } })));
    for (const step of ["1", "2"]) {
      await sleep(everyMs);
      const body = { metadata, data: { step } };
      const answer = await api.send({ method: "PUT", path: `${path}/${name}`, body });
      history.push(versionOf(answer.body));
    }
  }

  async function run(): Promise<void> {
    for (let index = 0; !stopping.signal.aborted; index += 1) {
      const name = `${changePrefix}${index}`;
      await change(name);
      if (index % 2 === 0) {
        await api.send({ method: "DELETE", path: `${path}/${name}` });
        histories[name]?.push("delete");
      }
      await sleep(everyMs);
    }
  }

  const ended = run();
  // Whoever stops it hears of a failure.
  ended.catch(() => undefined);
  const stop = async () => {
    stopping.abort();
    await ended;
    return histories;
  };
  return { stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}

function versionOf(object: unknown): string {
  const { metadata } = object as { readonly metadata?: { readonly resourceVersion?: string } };
  if (metadata?.resourceVersion !== undefined) return metadata.resourceVersion;
  throw new Error(`Cannot change a ConfigMap: ${JSON.stringify(object)}`);
}
