import { Agent, type AgentOptions } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { connectThroughProxy, type OutgoingProxy, type ProxyChooser } from "#runtime";

type Done = (error: Error | null, stream: Duplex) => void;

/** A pool of HTTPS connections, of which each goes through the proxy that is chosen for it. */
export class ProxyingAgent extends Agent {
  readonly #choose: ProxyChooser;

  constructor(choose: ProxyChooser, options: AgentOptions) {
    super(options);
    this.#choose = choose;
  }

  override createConnection(
    options: ConnectionOptions & { readonly host?: string; readonly port?: number },
    done?: Done,
  ): Duplex | null | undefined {
    const { host = "", port = 443 } = options;
    const proxy = this.#choose(host, port);
    if (proxy === undefined) return super.createConnection(options, done);
    void open(proxy, { host, port }, options).then(
      (stream) => done?.(null, stream),
      // Nobody looks at the stream of a connection that failed.
      (error: unknown) => done?.(error as Error, undefined as unknown as Duplex),
    );
    return undefined;
  }
}

async function open(
  proxy: OutgoingProxy,
  target: { readonly host: string; readonly port: number },
  options: ConnectionOptions,
): Promise<Socket> {
  const socket = await connectThroughProxy(proxy, target, AbortSignal.timeout(15_000));
  return connectTls({ ...options, socket });
}
