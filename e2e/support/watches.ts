import { connect, type SecureClientSessionOptions } from "node:http2";

/** Watches that are open while the test does something else. */
export interface Watches extends AsyncDisposable {
  /** How many have been answered. */
  readonly answered: number;
  /** What was no good end or none at all, a line each: none of these watches ends by itself. */
  readonly failures: readonly string[];
  /** How many have been told of an object of that name. */
  heardOf(name: string): number;
}

/** Where watches go: the server, and how to talk to it. */
export interface WatchTarget {
  readonly server: string;
  readonly tls: SecureClientSessionOptions;
  /** Of the collection, without a query. */
  readonly path: string;
}

/** What an API server lets one connection carry at least. */
const perConnection = 50;

/** Opens so many watches of one collection, as many programs would, on a few connections. */
export function openWatches({ server, tls, path }: WatchTarget, count: number): Watches {
  const failures: string[] = [];
  const heard = new Map<string, number>();
  let answered = 0;
  let isClosing = false;
  const fail = (text: string): void => {
    if (!isClosing) failures.push(text);
  };
  const tell = (line: string): void => {
    const { type, object } = JSON.parse(line) as WatchEvent;
    if (type === "ERROR") fail(line);
    const name = object.metadata?.name;
    if (name !== undefined) heard.set(name, (heard.get(name) ?? 0) + 1);
  };
  const sessions = Array.from({ length: Math.ceil(count / perConnection) }, () => {
    return connect(server, tls).on("error", (error: Error) => fail(`connection: ${error.message}`));
  });
  for (let index = 0; index < count; index += 1) {
    const session = sessions[index % sessions.length];
    const stream = session?.request({ ":path": `${path}?watch=true&timeoutSeconds=3600` });
    stream?.once("response", ({ ":status": status }) => {
      if (status === 200) answered += 1;
      else fail(`answered ${status}`);
    });
    let rest = "";
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) tell(line);
    });
    stream?.on("error", (error: Error) => fail(`stream: ${error.message}`));
    stream?.once("close", () => fail(`watch ${index} ended`));
  }
  return {
    get answered() {
      return answered;
    },
    failures,
    heardOf: (name) => heard.get(name) ?? 0,
    async [Symbol.asyncDispose]() {
      isClosing = true;
      for (const session of sessions) session.destroy();
    },
  };
}

interface WatchEvent {
  readonly type: string;
  readonly object: { readonly metadata?: { readonly name?: string } };
}
