import { randomUUID } from "node:crypto";
import type { ClientHttp2Session } from "node:http2";
import {
  type Client,
  type ClientDuplexStream,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { isUsable, SessionFinder, widenOwnSession } from "../rpc/own-session.ts";
import { headers, proxyService, reportingSession } from "../rpc/services.ts";
import { watchSession } from "../rpc/session-watch.ts";
import type { Drain, Packet, Report } from "../wire/packet.ts";

type GreetCall = ClientDuplexStream<Packet, Packet>;

/** What a server of ours says of itself; `undefined` when it is heard no more. */
export type ServerNews = Report | Drain | undefined;

/** How long the first report may take once the server has said that it reports. */
const reportTimeoutMs = 1000;

/** What a server answered: its session if it is one of ours. */
interface Answer {
  readonly isOurs: boolean;
  readonly session: ClientHttp2Session | undefined;
  readonly call: GreetCall;
}

/**
 * Asks, once for each HTTP/2 session of a channel, whether the server is one of ours. The call
 * stays open: gRPC looks after a session only as long as one is, and the server reports over it.
 */
export class Greeting {
  readonly #client: Client;
  readonly #keepaliveTimeMs: number;
  readonly #onNews: (news: ServerNews) => void;
  #answer: Answer | undefined;
  #asking: Promise<void> | undefined;

  constructor(client: Client, keepaliveTimeMs: number, onNews: (news: ServerNews) => void) {
    this.#client = client;
    this.#keepaliveTimeMs = keepaliveTimeMs;
    this.#onNews = onNews;
  }

  /** The session for streams without gRPC; `undefined` where the server has no such thing. */
  async session(): Promise<ClientHttp2Session | undefined> {
    if (!isUsable(this.#answer?.session)) {
      this.#asking ??= this.#ask().finally(() => {
        this.#asking = undefined;
      });
      await this.#asking;
    }
    const answer = this.#answer;
    return answer?.isOurs === true && isUsable(answer.session) ? answer.session : undefined;
  }

  /** Looks after the session no longer; streams that are open go on. */
  end(): void {
    this.#answer?.call.end();
  }

  async #ask(): Promise<void> {
    this.#answer = undefined;
    const finder = new SessionFinder(randomUUID());
    const call = this.#call(finder.mark);
    const { promise, resolve } = Promise.withResolvers<boolean | undefined>();
    const reported = Promise.withResolvers<void>();
    call.on("data", (packet: Packet) => {
      if (packet.type !== "report" && packet.type !== "drain") return;
      this.#onNews(packet);
      reported.resolve();
    });
    call.on("metadata", (answer: Metadata) => {
      const [value] = answer.get(headers.session);
      if (value !== reportingSession) reported.resolve();
      if (value !== undefined) resolve(true);
    });
    call.on("error", ({ code }: ServiceError) => {
      resolve(code === status.UNIMPLEMENTED ? false : undefined);
      this.#onNews(undefined);
    });
    call.on("end", () => {
      resolve(undefined);
      this.#onNews(undefined);
    });
    const isOurs = await promise;
    // Or the first dial would ask a server of which it may hear in a moment that it is the wrong one.
    if (isOurs === true) await within(reportTimeoutMs, reported.promise);
    finder.stop();
    const { session } = finder;
    if (isOurs === undefined || session === undefined) return;
    this.#answer = { isOurs, session, call };
    if (!isOurs) return;
    widenOwnSession(session);
    watchSession(session, { keepaliveTimeMs: this.#keepaliveTimeMs });
    // A server that goes away waits for all calls to end.
    session.once("goaway", () => call.end());
  }

  #call(mark: string): GreetCall {
    const { path, requestSerialize, responseDeserialize } = proxyService.Greet;
    const metadata = new Metadata();
    metadata.set(headers.session, mark);
    return this.#client.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      metadata,
    );
  }
}

async function within(limitMs: number, promise: Promise<void>): Promise<void> {
  const { promise: isOver, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, limitMs);
  await Promise.race([promise, isOver]);
  clearTimeout(timer);
}
