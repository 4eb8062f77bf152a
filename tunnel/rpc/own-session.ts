import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from "node:http2";
import { frameBytes } from "./internals.ts";
import { headers } from "./services.ts";
import { sessionWindowBytes } from "./stream-windows.ts";

const channel = "http2.client.stream.created";

/** What Node says of a stream that was opened. */
interface Created {
  readonly stream: ClientHttp2Stream;
  readonly headers: OutgoingHttpHeaders | readonly (string | number)[];
}

/**
 * Finds the HTTP/2 session that a gRPC call goes over, which grpc-js does not tell: `mark` is the
 * value of the call's session header, and nobody else's. Resolves when the call's stream is opened.
 */
export class SessionFinder {
  readonly mark: string;
  #session: ClientHttp2Session | undefined;
  readonly #listener = (message: unknown) => this.#created(message as Created);

  constructor(mark: string) {
    this.mark = mark;
    subscribe(channel, this.#listener);
  }

  get session(): ClientHttp2Session | undefined {
    return this.#session;
  }

  /** Looks no further. */
  stop(): void {
    unsubscribe(channel, this.#listener);
  }

  #created({ stream, headers: sent }: Created): void {
    if (Array.isArray(sent) || !("session" in stream)) return;
    const value = (sent as OutgoingHttpHeaders)[headers.session];
    const mark: unknown = Array.isArray(value) ? value[0] : value;
    if (mark !== this.mark) return;
    this.#session = stream.session as ClientHttp2Session | undefined;
    this.stop();
  }
}

/** Tells a server of ours that it may send large frames, and as much as the session's windows allow. */
export function widenOwnSession(session: ClientHttp2Session): void {
  session.settings({ maxFrameSize: frameBytes });
  session.setLocalWindowSize(sessionWindowBytes);
}

/** Whether new streams can be opened on a session. */
export function isUsable(session: ClientHttp2Session | undefined): session is ClientHttp2Session {
  return session !== undefined && !session.closed && !session.destroyed;
}
