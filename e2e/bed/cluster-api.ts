import { readFile } from "node:fs/promises";
import { Agent, type AgentOptions, request } from "node:https";
import { text } from "node:stream/consumers";
import { BedError } from "./bed-error.ts";
import { type ClusterPlan, certificatePath, keyPath } from "./cluster-plan.ts";

/** What an API server answered. `body` is parsed where it is JSON, text otherwise. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
  /** What `Retry-After` says, in seconds. */
  readonly retryAfter?: number | undefined;
}

/** One request. A body is sent as JSON unless `contentType` says otherwise. */
export interface ApiRequest {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  /** Further fields. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

const defaultTimeoutMs = 60_000;

/** A bare client of one API server, as its admin: for the bed itself and for tests. */
export class ClusterApi {
  readonly server: string;
  readonly #agent: Agent;

  private constructor(server: string, agent: Agent) {
    this.server = server;
    this.#agent = agent;
  }

  /** Connects as the cluster's admin to `server`, which the API server's certificate must name. */
  static async asAdmin(plan: ClusterPlan, server: string): Promise<ClusterApi> {
    const [ca, cert, key] = await Promise.all([
      readFile(certificatePath(plan, "ca")),
      readFile(certificatePath(plan, "admin")),
      readFile(keyPath(plan, "admin")),
    ]);
    return ClusterApi.connect(server, { ca, cert, key });
  }

  /** Connects to `server`; the options say whom to trust and who the client is. */
  static connect(server: string, options: AgentOptions): ClusterApi {
    return new ClusterApi(server, new Agent({ ...options, keepAlive: true }));
  }

  /** Sends one request. Throws only when there is no answer. */
  async send(options: ApiRequest): Promise<ApiAnswer> {
    const body = options.body === undefined ? undefined : JSON.stringify(options.body);
    return new Promise<ApiAnswer>((resolve, reject) => {
      const outgoing = request(new URL(options.path, this.server), {
        agent: this.#agent,
        method: options.method ?? "GET",
        signal: AbortSignal.timeout(options.timeoutMs ?? defaultTimeoutMs),
        headers: {
          ...options.headers,
          ...(body === undefined
            ? {}
            : { "content-type": options.contentType ?? "application/json" }),
        },
      });
      outgoing.once("error", reject);
      outgoing.once("response", (response) => {
        text(response).then(
          (received) =>
            resolve({
              status: response.statusCode ?? 0,
              body: parse(received),
              retryAfter: secondsOf(response.headers["retry-after"]),
            }),
          reject,
        );
      });
      outgoing.end(body);
    });
  }

  /** Reads one object, or `undefined` where there is none. */
  async find(path: string): Promise<unknown> {
    const { status, body } = await this.send({ path });
    if (status === 404) return undefined;
    if (status === 200) return body;
    throw new BedError("command", `GET ${path} answered ${status}: ${JSON.stringify(body)}`);
  }

  /** Creates an object and returns it. One that is there already is left alone. */
  async create(path: string, body: unknown): Promise<unknown> {
    const answer = await this.send({ method: "POST", path, body });
    if (answer.status < 300 || answer.status === 409) return answer.body;
    const said = JSON.stringify(answer.body);
    throw new BedError("command", `POST ${path} answered ${answer.status}: ${said}`);
  }

  /** Whether the API server says that it is ready. */
  async isReady(): Promise<boolean> {
    return (await this.send({ path: "/readyz" })).status === 200;
  }

  /** Ends the connections that are kept open. */
  close(): void {
    this.#agent.destroy();
  }
}

function secondsOf(value: string | undefined): number | undefined {
  const seconds = Number(value);
  return value === undefined || Number.isNaN(seconds) ? undefined : seconds;
}

function parse(received: string): unknown {
  try {
    return JSON.parse(received);
  } catch {
    // Health endpoints answer in plain text.
    return received;
  }
}
